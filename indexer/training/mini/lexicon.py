"""Make the lexicons of the built-in model: German, French and Czech words in English.

Run as `python -m indexer.training.mini.lexicon FLICKR8K CAPTIONS --split train.txt`. FLICKR8K is
the data set with its English captions, CAPTIONS the folder of Multi30k's captions of the same
pictures (`captions.de.tsv` and so on, with the columns `file` and `caption`). Takes some minutes
and 3 GB.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from indexer.captions import find_captions
from indexer.datasets.folder import read_split
from indexer.encoders.lexicon import STEM, Lexicon, folded, snowball, stem_of, words_of
from indexer.encoders.mini.lexicons import STEMMERS, lexicon_file, open_lexicon
from indexer.encoders.mini.packages import TEXT_TOWER
from indexer.training.mini.word_alignment import Floats, Ints, Links, link_counts, links_of

ARTICLES = frozenset({"a", "an", "the"})
LEAST_SHARE = 0.2  # of a word's links that the best English word has
BY_STEM = 2.0  # links of a rare word that its stem lends it
LEAST_LINKS = 0.02  # fewer tell nothing
LEAST_ENGLISH = 3  # times that captions have an English word; others are often typing errors
LEAST_TIMES = {"de": 3}  # of words of a stem, where captions are no translations
MOST_EVIDENCE = 9
ZIPF = 0.1  # share of the most frequent word in English texts

Counts = Mapping[str, float]
Table = Mapping[str, tuple[str, int]]

# Words that captions have no counterpart for, with their language; without English, they are left
# out.
GRAMMAR = Path(__file__).with_name("grammar.tsv")


@dataclass(frozen=True, slots=True)
class Spelling:
    """A word as captions spell it, in small letters without accents, and its stem."""

    word: str
    stem: str


@dataclass(frozen=True, slots=True)
class Learned:
    """Counts of the words of a language in captions, and of the stems of these.

    `by_word` and `by_stem`: expected links to each English word. `words`, `stems` and `english`:
    occurrences. `stem_of`: the most recent stem of each word.
    """

    by_word: Mapping[str, Counts]
    by_stem: Mapping[str, Counts]
    words: Counter[str]
    stems: Counter[str]
    stem_of: Mapping[str, str]
    english: Counter[str]


def learned(captions: Sequence[tuple[str, Sequence[str]]], language: str) -> Learned:
    """Align captions of a language, each with the English captions of its picture."""
    spelt = [_spelt(text, language) for text, _ in captions]
    beside = [[_tokens(text) for text in texts] for _, texts in captions]
    links = links_of(
        [([one.stem for one in own], texts) for own, texts in zip(spelt, beside, strict=True)]
    )
    expected = link_counts(links)
    at = [one for own, texts in zip(spelt, beside, strict=True) for _ in texts for one in own]
    every = [one for own in spelt for one in own]
    known = {tuple(text) for texts in beside for text in texts}
    return Learned(
        *_counted(links, expected, at),
        Counter(one.word for one in every),
        Counter(one.stem for one in every),
        {one.word: one.stem for one in every},
        Counter(word for text in known for word in text),
    )


def lexicon(of: Learned, language: str) -> Table:
    """The English and the evidence of words and, with a "-" behind them, of stems."""
    english = _english_shares(of.english)
    unseen = 0.5 / of.english.total()
    least = LEAST_TIMES.get(language, 1)

    def evidence(word: str, times: int) -> int:
        ratio = times / of.words.total() / max(english.get(word, 0.0), unseen)
        return max(-MOST_EVIDENCE, min(MOST_EVIDENCE, round(math.log(ratio))))

    table: dict[str, tuple[str, int]] = {}
    for word, stem in of.stem_of.items():
        times, of_stem = of.words[word], of.stems[stem]
        if of_stem < least:
            continue
        lent = {one: BY_STEM * count / of_stem for one, count in of.by_stem[stem].items()}
        meaning = _best(Counter(of.by_word[word]) + Counter(lent), times + BY_STEM, of.english)
        general = _best(of.by_stem[stem], of_stem, of.english)
        if meaning is not None:
            table[word] = meaning, evidence(word, times)
        if general is not None and not stem.endswith(STEM):
            table[stem + STEM] = general, evidence(stem, of_stem)
    for word, meaning in _grammar(language).items():
        table[word] = meaning, evidence(word, max(1, of.words[word]))
    return dict(sorted(table.items()))


def _english_shares(counts: Counter[str]) -> Mapping[str, float]:
    """Shares of words in English: in captions, or by their rank in the tower's vocabulary.

    That vocabulary is sorted by frequency, so that Zipf's law tells the frequency of a rank.
    """
    tokenizer = json.loads(TEXT_TOWER.path.with_name("tokenizer.json").read_text("utf-8"))
    numbers = tokenizer["model"]["vocab"]
    ranked = sorted((word for word in numbers if word.isalpha()), key=numbers.__getitem__)
    shares = {word: ZIPF / rank for rank, word in enumerate(ranked, start=1)}
    for word, count in counts.items():
        shares[word] = max(shares.get(word, 0.0), (count + 0.5) / counts.total())
    return shares


@cache
def _grammar(language: str) -> Mapping[str, str]:
    rows = (line.split("\t") for line in GRAMMAR.read_text("utf-8").splitlines())
    return {word: meaning for code, word, meaning in rows if code == language}


def _spelt(text: str, language: str) -> list[Spelling]:
    stemmer, grammar = _stemmer(language), _grammar(language)
    words = ((word, folded(word)) for word in words_of(text) if word.isalpha())
    # A word of grammar shares its stem with none: "nebo" (or) and "nebe" (sky).
    return [
        Spelling(plain, plain + STEM if plain in grammar else stem_of(word, stemmer))
        for word, plain in words
    ]


@cache
def _stemmer(language: str) -> Any:
    return snowball(STEMMERS[language])


def _tokens(text: str) -> list[str]:
    return [folded(word) for word in words_of(text)]


def _counted(
    links: Links, expected: Floats, at: Sequence[Spelling]
) -> tuple[Mapping[str, Counts], Mapping[str, Counts]]:
    """Links of each word, and of each stem, to each English word."""
    numbers: dict[str, int] = {}
    words = np.array([numbers.setdefault(one.word, len(numbers)) for one in at])[links.places]
    by_word = _summed(words, links.english, expected, list(numbers), links.english_names)
    by_stem = _summed(links.words, links.english, expected, links.names, links.english_names)
    return by_word, by_stem


def _summed(
    words: Ints, english: Ints, expected: Floats, names: list[str], english_names: list[str]
) -> Mapping[str, Counts]:
    width = len(english_names)
    keys, kind = np.unique(words.astype(np.int64) * width + english, return_inverse=True)
    sums = np.bincount(kind, expected)
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for key, total in zip(keys.tolist(), sums.tolist(), strict=True):
        if total > LEAST_LINKS:
            word, other = divmod(key, width)
            found[names[word]][english_names[other]] = total
    return found


def _best(counts: Counts, times: float, english: Mapping[str, int]) -> str | None:
    """The English word that is linked most; None if none is clear."""
    real = {
        word: count
        for word, count in counts.items()
        if english.get(word, 0) >= LEAST_ENGLISH and word not in ARTICLES
    }
    best = max(real, key=real.__getitem__, default=None)
    return best if best is not None and real[best] >= LEAST_SHARE * times else None


def main() -> None:
    """Write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path, help="the data set with English captions")
    parser.add_argument("captions", type=Path, help="the folder of captions.LANGUAGE.tsv")
    parser.add_argument("--split", type=Path, required=True, help="only these pictures")
    parser.add_argument("--output", type=Path, help="write here instead of into the package")
    options = parser.parse_args()
    names = read_split(options.pictures, options.split)
    found = find_captions(options.pictures, names).captions
    english = {os.path.basename(name): own for name, own in found.items()}
    for code in STEMMERS:
        captions = list(_beside(options.captions / f"captions.{code}.tsv", english))
        table = lexicon(learned(captions, code), code)
        file = options.output / f"{code}.tsv" if options.output else lexicon_file(code)
        _write(file, table)
        _write(file, with_both_parts(table, open_lexicon(code, file)))


def with_both_parts(table: Table, lexicon: Lexicon) -> Table:
    """The table with both parts of each compound that is linked to one of them alone.

    `lexicon` is opened on that table.
    """
    whole = dict(table)
    for word, (meaning, evidence) in table.items():
        parts = None if word.endswith(STEM) else lexicon.compound(word)
        if parts and meaning in parts.english.split():
            whole[word] = parts.english, evidence
    return whole


def _write(file: Path, table: Table) -> None:
    lines = (f"{word}\t{meaning}\t{evidence}\n" for word, (meaning, evidence) in table.items())
    file.write_text("".join(lines), "utf-8")


def _beside(table: Path, english: Mapping[bytes, Sequence[Any]]) -> Iterator[tuple[str, list[str]]]:
    """The captions of a table, each with the English ones of its picture."""
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            own = english.get(os.fsencode(row["file"]))
            if own:
                yield row["caption"], [caption.text for caption in own]


if __name__ == "__main__":
    main()
