"""How much marking three hits as right and three as wrong improves what else is found.

    python benchmarks/feedback.py FOLDER

FOLDER has pictures of ImageNet classes, their synset at the head of each name (or that of their
folder), and no captions. What is looked for are the hypernyms in WordNet 3.0 of at least 8 of the
pictures, and of no more than a fifth of all ("artifact" is nothing that one looks for); of several
with the same pictures, the most special one. Its name asks, the first three right and the first
three wrong hits are marked, and precision@10 among all other pictures is compared: the figure to
reach is 10 points more. Intervals draw groups; as these overlap, they are too narrow.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from indexer import Library, index_folder
from indexer.encoders import IMAGE, TEXT, asking, unit_rows
from indexer.settings import DEFAULT_ENCODER
from indexer.training.hypernyms import Hypernyms
from search import Query, Searcher

SYNSET = re.compile(r"n\d{8}")
FEWEST, SHARE, MARKS, AT = 8, 0.2, 3, 10
# The linear model: chosen, as Rocchio's factors were, on 1,200 pictures of Flickr8k train.
RIDGE, TARGET = 3.0, 2.0


def main() -> None:
    """Print precision@10 before and after, for each group and on average."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    options = parser.parse_args()
    if not options.folder.is_dir():
        sys.exit(f"{options.folder}: no such folder")
    with (
        tempfile.TemporaryDirectory() as place,
        Library.create(Path(place) / "library", encoder=options.model) as library,
    ):
        index_folder(library, options.folder)
        groups = dict(_groups(library))
        if not groups:
            sys.exit(f"{options.folder}: no hypernym has {FEWEST} pictures; are synsets in names?")
        figures = np.array([_figures(library, name, of) for name, of in groups.items()])
    for (name, members), (before, rocchio, linear) in zip(groups.items(), figures, strict=True):
        print(f"{name:24} {len(members):4}  {before:4.0f}  {rocchio:4.0f}  {linear:4.0f}")
    before, *others = figures.T
    ceiling = np.mean([min(AT, len(m) - MARKS) / AT * 100 for m in groups.values()])
    print(
        f"{len(groups)} groups; precision@{AT} unrefined {before.mean():.1f}, at most {ceiling:.1f}"
    )
    for name, after in zip(("Rocchio", "linear model"), others, strict=True):
        low, high = _interval(after - before)
        gain = (after - before).mean()
        print(f"{name:12} {after.mean():.1f}: {gain:+.1f} points ({low:+.1f} to {high:+.1f})")


def _groups(library: Library) -> Iterator[tuple[str, frozenset[int]]]:
    """The name of each group with the ids of its pictures."""
    table = Hypernyms()
    members: dict[str, set[int]] = {}
    present = library.catalogue.present_ids()
    for key, picture in library.catalogue.pictures(present).items():
        found = SYNSET.match(picture.path.name) or SYNSET.match(picture.path.parent.name)
        for above in table.above(found[0]) if found and found[0] in table.names else ():
            members.setdefault(above, set()).add(key)
    same: dict[frozenset[int], str] = {}
    for synset, of in members.items():
        if FEWEST <= len(of) <= SHARE * len(present):
            other = same.get(frozenset(of))
            if other is None or other in table.above(synset):
                same[frozenset(of)] = synset
    for group, synset in same.items():
        yield table.names[synset], group


def _figures(library: Library, name: str, members: frozenset[int]) -> tuple[float, float, float]:
    """Precision@10 among the unmarked: unrefined, by Rocchio, by the linear model."""
    searcher = Searcher(library)
    query = Query.of(name, weight=1.0)
    order = [hit.picture_id for hit in searcher.search(query, k=10**6).hits]
    right = [key for key in order if key in members][:MARKS]
    wrong = [key for key in order if key not in members][:MARKS]
    refined = searcher.search(query, k=AT, like=right, unlike=wrong).hits
    unmarked = [key for key in order if key not in {*right, *wrong}]
    return (
        _precision(unmarked, members),
        _precision([hit.picture_id for hit in refined], members),
        _precision(_by_linear_model(library, name, right, wrong), members),
    )


def _by_linear_model(library: Library, name: str, right: list[int], wrong: list[int]) -> list[int]:
    """Unmarked pictures by a ridge regression that starts from the query instead of from zero.

    `w` minimises `|X w - y|² + λ |w - q|²`, where `X` are the rows of marked pictures and `y` is
    a target for right ones and 0 for wrong ones: `w = q + Xᵀ (X Xᵀ + λ I)⁻¹ (y - X q)`.
    """
    means, encoder = library.encoder.means, library.encoder
    zero = np.zeros(encoder.dim, np.float32)
    q = asking(encoder.encode_texts([name])[0], TEXT, means)
    found = library.embedded(sorted(library.catalogue.present_ids()))
    rows = found.v_i - means.get(IMAGE, zero)
    place = {key: n for n, key in enumerate(found.ids.tolist())}
    x = unit_rows(rows[[place[key] for key in (*right, *wrong)]])
    y = np.array([TARGET] * len(right) + [0.0] * len(wrong), np.float32)
    w = q + x.T @ np.linalg.solve(x @ x.T + RIDGE * np.eye(len(x), dtype=np.float32), y - x @ q)
    order = found.ids[np.argsort(-(rows @ w), kind="stable")].tolist()
    return [key for key in order if key not in {*right, *wrong}]


def _precision(order: list[int], members: frozenset[int]) -> float:
    return 100 * sum(key in members for key in order[:AT]) / AT


def _interval(gains: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """The 95 % interval of the mean, by drawing groups anew."""
    chosen = np.random.default_rng(0).integers(len(gains), size=(draws, len(gains)))
    low, high = np.percentile(gains[chosen].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
