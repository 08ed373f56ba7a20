"""Words that pictures show, in `auto`: what raising them finds, and what it costs.

    python benchmarks/shown_words.py [--made 90] [--photographs 1000] [--queries 300]

Indexes photographs of Flickr8k (dev) without captions beside made pictures that show text, and asks
for single words that describe (names are found by words in any case): for words that a made picture
shows, is it among the first hits? For those of them that captions say of five photographs or more,
how many of the ten best hits are such photographs? Both for several numbers of deviations.
"""

from __future__ import annotations

import argparse
import re
import shutil
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
from fixtures.data import DATA
from fixtures.shown_text import made_picture

from indexer import IndexOptions, Library, index_folder
from search import Searcher
from search.answer import question
from search.words.names import is_name

_WORD = re.compile(r"[^\W_]+")
_DEVIATIONS = (0.0, 1.0, 2.0, 3.0, 4.0, 6.0)
_SAYING = 3  # captions of a photograph with a word, at least, of its five
_MANY = 5  # such photographs


def main() -> None:
    """Print, for each number of deviations, how words that are shown and words that describe do."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--made", type=int, default=90)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--data", type=Path, default=DATA)
    options = parser.parse_args()
    flickr = options.data / "flickr8k"
    dev = (flickr / "dev.txt").read_text().split()[: options.photographs]
    train = [flickr / "images" / name for name in (flickr / "train.txt").read_text().split()]
    with TemporaryDirectory() as room, Library.create(Path(room) / "library") as library:
        folder = Path(room) / "pictures"
        folder.mkdir()
        for name in dev:
            shutil.copy(flickr / "images" / name, folder)
        for number in range(options.made):
            (folder / f"made-{number}.jpg").write_bytes(made_picture(number, train).jpeg)
        report = index_folder(library, folder, options=IndexOptions(text=True))
        print(f"{report.texts_found} of {report.texts_read} pictures show text")
        said = _said(flickr / "Flickr8k.token.txt", set(dev))
        _compare(library, said, options.queries)


def _said(file: Path, names: set[str]) -> dict[str, set[str]]:
    """The photographs of which several captions say a word, by the word."""
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for line in file.read_text().splitlines():
        name, _, caption = line.partition("\t")
        if (name := name.partition("#")[0]) in names:
            for word in set(_WORD.findall(caption.lower())):
                counts[word][name] += 1
    return {
        word: {name for name, count in own.items() if count >= _SAYING}
        for word, own in counts.items()
    }


def _compare(library: Library, said: dict[str, set[str]], most: int) -> None:
    ids = library.catalogue.present_ids()
    infos, facts = library.catalogue.pictures(ids), library.facts.of(ids)
    shown: dict[str, set[str]] = defaultdict(set)
    for key, info in infos.items():
        for word in _WORD.findall(str(facts.get(key, {}).get("text", "")).lower()):
            if word.isalpha() and not is_name(word):
                shown[word].add(info.path.name)
    words = [word for word in sorted(shown) if any(n.startswith("made") for n in shown[word])]
    rng = np.random.default_rng(0)
    rare = rng.permutation([word for word in words if len(said.get(word, ())) < _MANY])[:most]
    plain = [word for word in words if len(said.get(word, ())) >= _MANY]
    searcher = Searcher(library)
    print(f"{len(rare)} words that are shown, {len(plain)} of which photographs speak as well")
    for deviations in _DEVIATIONS:
        with mock.patch.object(question, "DEVIATIONS", deviations):
            firsts = [_first(searcher, word, shown[word]) for word in rare.tolist()]
            right = [_share(searcher, word, said[word]) for word in plain]
            also = [_first(searcher, word, shown[word]) for word in plain]
        first, ten = (np.mean(np.array(firsts) <= k) for k in (1, 10))
        print(
            f"{deviations:g} deviations: one that shows the word is first for {first:.1%}, among "
            f"ten for {ten:.1%}; of words that photographs mean too, the best hits are right in "
            f"{np.mean(right):.1%}, and one that shows it is among ten for "
            f"{np.mean(np.array(also) <= 10):.1%}"
        )


def _first(searcher: Searcher, word: str, names: set[str]) -> int:
    """The rank of the first picture among the names; 11 if none is among the ten best."""
    hits = searcher.search(word, k=10, weight=1.0).hits
    return next((hit.rank for hit in hits if hit.path.name in names), 11)


def _share(searcher: Searcher, word: str, names: set[str]) -> float:
    """The share of right ones among as many of the ten best hits as there are right ones."""
    hits = searcher.search(word, k=min(10, len(names)), weight=1.0).hits
    return float(np.mean([hit.path.name in names for hit in hits]))


if __name__ == "__main__":
    main()
