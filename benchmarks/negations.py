"""Negations in words: search for "dog without snow" as a text, or as "dog - snow"?

    python benchmarks/negations.py FOLDER --split dev.txt

FOLDER is a data set whose pictures have several captions, such as Flickr8k; pictures alone are
searched. Prints the percentages of the ten best hits with A in a caption, with B, and with A but
not B, for pairs of concepts that often occur together; the ranks of the pictures whose captions
have a negation, for these captions as queries; and what finds either of two concepts.
"""

from __future__ import annotations

import argparse
import itertools
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from fixtures.data import indexed_dataset

from indexer.captions import find_captions
from indexer.datasets.folder import read_split
from indexer.settings import DEFAULT_ENCODER
from search import Query, Searcher

CONCEPTS = "dog man boy girl snow water beach grass ball bike street mountain hat child ocean"
FORMS = ("{} without {}", "{} with no {}", "{} but not {}", "{} NOT {}")
HITS = 10
MIN_WITH_BOTH, MIN_WITH_A_ALONE = 8, 15  # pictures of a pair of concepts
WAYS: Mapping[str, Callable[[str], Query]] = {"as a text": Query.of, "as read": Query.parse}


def main() -> None:
    """Print the shares and ranks for both ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder of pictures with several captions")
    parser.add_argument("--split", type=Path, help="only these pictures")
    options = parser.parse_args()
    folder = options.folder.absolute()
    only = read_split(folder, options.split) if options.split else None
    names = only or frozenset(os.fsencode(p.relative_to(folder)) for p in folder.rglob("*.jpg"))
    read = find_captions(folder, names).captions
    captions = {os.fsdecode(name): [one.text for one in some] for name, some in read.items()}
    texts = {Path(name).name: " ".join(some).lower() for name, some in captions.items()}
    with indexed_dataset(folder, only, encoder=DEFAULT_ENCODER) as library:
        searcher = Searcher(library)
        pairs = _pairs(texts)
        for form, (way, query) in itertools.product(FORMS, WAYS.items()):
            shares = [_shares(searcher, query(form.format(*pair)), pair, texts) for pair in pairs]
            print(f"{len(pairs)} pairs, {form:16} {way:10} {_per_cent(shares)}")
        for way, query in WAYS.items():
            asked = [(a, b) for a, b in pairs if a < b]
            found = [_either(searcher, query(f"{a} OR {b}"), (a, b), texts) for a, b in asked]
            print(f"{len(asked)} pairs, A OR B, {way:10} either, the rarer: {_per_cent(found)}")
        said = [(Path(n).name, t) for n, some in captions.items() for t in some]
        said = [(name, text) for name, text in said if Query.parse(text).readings]
        for way, query in WAYS.items():
            ranks = [_rank(searcher, query(text), name) for name, text in said]
            mrr = np.mean(1 / np.array(ranks))
            print(f"{len(said)} captions, {way:10} MRR {mrr:.3f}, median rank {np.median(ranks):g}")


def _pairs(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """The pairs of concepts that are often together, and often apart."""
    having = {
        word: {n for n, text in texts.items() if _has(text, word)} for word in CONCEPTS.split()
    }
    return [
        (a, b)
        for a, b in itertools.permutations(having, 2)
        if len(having[a] & having[b]) >= MIN_WITH_BOTH
        and len(having[a] - having[b]) >= MIN_WITH_A_ALONE
    ]


def _has(text: str, word: str) -> bool:
    return re.search(rf"\b{word}", text) is not None


def _hits(searcher: Searcher, query: Query, count: int) -> list[str]:
    hits = searcher.search(query, k=count, weight=1.0, mode="vector").hits
    return [hit.path.name for hit in hits]


def _shares(
    searcher: Searcher, query: Query, pair: tuple[str, str], texts: Mapping[str, str]
) -> tuple[float, ...]:
    found = [[_has(texts[name], word) for word in pair] for name in _hits(searcher, query, HITS)]
    a, b = np.array(found).T
    return float(a.mean()), float(b.mean()), float((a & ~b).mean())


def _either(
    searcher: Searcher, query: Query, pair: tuple[str, str], texts: Mapping[str, str]
) -> tuple[float, ...]:
    found = [
        [_has(texts[name], word) for word in pair] for name in _hits(searcher, query, 2 * HITS)
    ]
    a, b = np.array(found).T
    return float((a | b).mean()), float(min(a.mean(), b.mean()))


def _rank(searcher: Searcher, query: Query, name: str) -> int:
    return 1 + _hits(searcher, query, 10**6).index(name)


def _per_cent(rows: Sequence[Sequence[float]]) -> str:
    return " / ".join(f"{100 * share:.1f}" for share in np.mean(rows, axis=0))


if __name__ == "__main__":
    main()
