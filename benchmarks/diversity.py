"""Gain and cost of diverse answers: how similar the first ten are, and how often one is right.

    python benchmarks/diversity.py FOLDER [--split FILE] [--photographs 1000] [--library DIRECTORY]

Searches for photographs of a captioned folder by their last caption, from the picture alone, and
prints for the first ten hits the mean cosine between two of them and how often the right one is
there.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

from indexer import IndexOptions, Library, index_folder
from indexer.datasets.folder import read_split
from indexer.embedding import unit_rows
from indexer.settings import DEFAULT_ENCODER
from search import Query, Searcher, Term

STRENGTHS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
HITS = 10


def main() -> None:
    """Print a line for each strength; with `--library`, the library is indexed once and kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--photographs", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--library", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        path = options.library or Path(place) / "library"
        if not path.exists():
            _index(path, options)
        with Library.open(path) as library:
            _report(library, options.queries)


def _index(path: Path, options: argparse.Namespace) -> None:
    folder = options.folder
    names = {os.fsencode(found.relative_to(folder)) for found in folder.rglob("*.jpg")}
    only = names if options.split is None else names & read_split(folder, options.split)
    with Library.create(path, encoder=options.model) as library:
        few = frozenset(sorted(only)[: options.photographs])
        index_folder(library, folder, options=IndexOptions(only=few))


def _report(library: Library, count: int) -> None:
    searcher = Searcher(library)
    means = library.embedded(library.catalogue.present_ids()).v_i.mean(axis=0)
    ids = library.catalogue.present_ids()
    pictures = library.catalogue.pictures(ids[:: max(1, len(ids) // count)][:count])
    print(f"{len(ids):,} photographs, {len(pictures)} queries")
    for strength in STRENGTHS:
        right, alike = [], []
        for picture in pictures.values():
            query = Query((Term(picture.captions[-1]),), 1)
            hits = searcher.search(query, k=HITS, diverse=strength).hits
            keys = [hit.picture_id for hit in hits]
            right.append(picture.id in keys)
            rows = unit_rows(library.embedded(keys).v_i - means)
            alike.append((rows @ rows.T)[np.triu_indices(len(rows), 1)].mean())
        print(f"{strength:3}  R@10 {np.mean(right):.1%}  mean cosine {np.mean(alike):.3f}")


if __name__ == "__main__":
    main()
