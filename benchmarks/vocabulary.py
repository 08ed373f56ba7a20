"""Make the list of words that describe pictures; other words may be names.

    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb .
    python benchmarks/vocabulary.py usr/share/wordnet CAPTIONS --split train.txt \\
        > search/words/vocabulary.txt
    python benchmarks/vocabulary.py usr/share/wordnet CAPTIONS --known > search/words/known.txt
    python benchmarks/vocabulary.py usr/share/wordnet CAPTIONS MORE --split train.txt --common \\
        > search/words/common.txt

Takes the lower-case words of WordNet 3.0: verbs, adjectives and adverbs, irregular forms, and all
words of its definitions and examples (other nouns are mostly names of species and chemicals), and
the things of ImageNet-22k from timm's list. Adds words that occur in the captions of a folder at
least twice in lower case, or ten times in any case ("Frisbee"). A word is left out if its stem is
in the list.

With --known it prints other known words, of letters only and in any case: all nouns and names of
WordNet, and the words that are one token for MiniLM or CLIP. They still count as names, but not as
typing errors (`search/words/unknown.py`).

With --common it prints the words of which small letters say that they describe: those that the
captions of all folders have three times in small letters, and four times as often as with a
capital, or ten times. Words that have a capital half as often or more ("Frisbee"), and adjectives
that WordNet writes with one ("German"), are printed with it. --split is that of the first folder.
"""

from __future__ import annotations

import argparse
import gzip
import re
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from open_clip.tokenizer import default_bpe

from indexer.captions import find_captions
from indexer.datasets.folder import picture_names, read_split
from indexer.encoders.mini.packages import TEXT_TOWER
from search.words.vocabulary import SHORTEST, is_described, stems

MIN_LOWER_CASE, MIN_ANY_CASE = 2, 10  # occurrences of a word in captions
MIN_COMMON, MIN_SMALL, MIN_BOTH = 3, 4, 10  # in lower case; as often as a capital; either way
_CAPITAL = re.compile(rf"[A-Z][a-z]{{{SHORTEST - 1},}}")
_LOWER_CASE = re.compile(rf"(?<![\w'])[a-z]{{{SHORTEST},}}(?![^\W_])")
_ANY_CASE = re.compile(rf"(?<![\w'])[A-Za-z]{{{SHORTEST},}}(?!\w)")
_THINGS = "data/_info/imagenet_synset_to_lemma.txt"
_LETTERS = re.compile(rf"[a-z]{{{SHORTEST},}}")
_MERGES = 49_152 - 256 - 2  # lines that CLIP uses of its file
_LEMMAS = ("verb", "adj", "adv")


def main() -> None:
    """Print the words, sorted, one a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wordnet", type=Path, help="the folder of WordNet's data files")
    parser.add_argument("captions", type=Path, nargs="+", help="folders of captioned pictures")
    parser.add_argument("--split", type=Path, help="only the captions of these pictures")
    parser.add_argument("--known", action="store_true", help="print names and rarer words instead")
    parser.add_argument("--common", action="store_true", help="print the common words instead")
    options = parser.parse_args()
    if options.known:
        print("\n".join(sorted(_known(options.wordnet))))
        return
    texts = _captions(options.captions, options.split)
    small = Counter(word for text in texts for word in _LOWER_CASE.findall(text))
    every = Counter(word.lower() for text in texts for word in _ANY_CASE.findall(text))
    if options.common:
        print("\n".join(_common(options.wordnet, small, every)))
        return
    words = {word for text in _wordnet(options.wordnet) for word in _LOWER_CASE.findall(text)}
    words |= {word for word, times in small.items() if times >= MIN_LOWER_CASE}
    words |= {word for word, times in every.items() if times >= MIN_ANY_CASE}
    kept: set[str] = set()
    for word in sorted(words, key=len):
        if not any(stem in kept for stem in stems(word)):
            kept.add(word)
    print("\n".join(sorted(kept)))


def _captions(folders: list[Path], split: Path | None) -> list[str]:
    """All captions of some folders; of the first one, those of the pictures of a split."""
    texts: list[str] = []
    for number, folder in enumerate(path.absolute() for path in folders):
        splits = split is not None and not number
        names = read_split(folder, split) if splits and split else picture_names(folder)
        found = find_captions(folder, names).captions.values()
        texts += [caption.text for captions in found for caption in captions]
    return texts


def _common(wordnet: Path, small: Counter[str], every: Counter[str]) -> list[str]:
    """The common words, in lower case; with a capital if captions write them so at times."""
    common = dict[str, str]()
    for word, times in small.items():
        capitals = every[word] - times
        if times >= MIN_COMMON and times >= MIN_SMALL * capitals:
            common[word] = word
        elif times >= MIN_BOTH:
            common[word] = word.capitalize() if times < 2 * capitals else word
    lines = (wordnet / "data.adj").read_text(encoding="ascii").splitlines()
    facts = (line.partition(" | ")[0].split(" ") for line in lines if not line.startswith(" "))
    for lemma in (lemma for line in facts for lemma in _lemmas(line)):
        if _CAPITAL.fullmatch(lemma) and every[lemma.lower()] >= MIN_COMMON:
            common.setdefault(lemma.lower(), lemma)
    return sorted(common.values(), key=str.lower)


def _wordnet(folder: Path) -> Iterator[str]:
    """The texts of WordNet: lemmas one by one, irregular forms, definitions with their examples."""
    for kind in ("noun", *_LEMMAS):
        for line in (folder / f"{kind}.exc").read_text(encoding="ascii").splitlines():
            yield line.partition(" ")[0]
        for line in (folder / f"data.{kind}").read_text(encoding="ascii").splitlines():
            facts, _, gloss = line.partition(" | ")
            if line.startswith(" "):  # the licence
                continue
            yield gloss
            if kind in _LEMMAS:
                yield from _lemmas(facts.split(" "))
    yield _timm()


def _known(wordnet: Path) -> set[str]:
    """Known words that are not in the vocabulary."""
    nouns = (wordnet / "index.noun").read_text(encoding="ascii").splitlines()
    words = {w for line in nouns for w in _LETTERS.findall(line.partition(" ")[0])}
    pieces = TEXT_TOWER.path.with_name("vocab.txt").read_text(encoding="utf-8").splitlines()
    words |= {piece for piece in pieces if _LETTERS.fullmatch(piece)}
    with gzip.open(default_bpe(), "rt", encoding="utf-8") as file:
        merges = file.read().splitlines()[1 : 1 + _MERGES]
    ends = ("".join(merge.split()).partition("</w>") for merge in merges)
    words |= {word for word, end, _ in ends if end and _LETTERS.fullmatch(word)}
    return {word for word in words if not is_described(word)}


def _lemmas(fields: list[str]) -> list[str]:
    """The lemmas of a line: their number in hexadecimal, then each with a number of its own."""
    return fields[4 : 4 + 2 * int(fields[3], 16) : 2]


def _timm() -> str:
    spec = find_spec("timm")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / _THINGS).read_text(encoding="utf-8")


if __name__ == "__main__":
    main()
