"""Benefit of marking three hits as right and three as wrong.

    python benchmarks/feedback.py FOLDER [--split FILE]

FOLDER has pictures of ImageNet classes without captions, where each name (or that of its folder)
starts with the synset. The queries are the WordNet 3.0 hypernyms of at least 8 of the pictures and
at most a fifth of all (nobody searches for "artifact"); of several hypernyms with the same
pictures, the most specific one. With --split, a list of pictures of a captioned folder, the queries
are words that three captions of a picture share, among 1,200 pictures and from the picture alone.

After a query by the name or word, the first three right and the first three wrong hits are marked,
and precision@10 among all other pictures is compared: the figure to reach is 10 points more. Then
the same with one of the right pictures as the query. Intervals resample groups; as these overlap,
they are too narrow.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from indexer import Library, index_folder
from indexer.captions import find_captions
from indexer.datasets.folder import read_split
from indexer.embedding import IMAGE, TEXT, centred_query, unit_rows
from indexer.settings import DEFAULT_ENCODER
from indexer.training.mini.imagenet import Hypernyms
from search import Answer, Query, Searcher

SYNSET = re.compile(r"n\d{8}")
WORD = re.compile(r"[a-z]{4,}")
PICTURES, MIN_CAPTIONS = 1200, 3  # of a captioned folder; captions of a picture with a word
MIN_GROUP, MAX_SHARE = 8, 0.2  # pictures of a group; share of all pictures
MARKS, HITS = 3, 10
# Of the linear model; chosen, like Rocchio's factors, on 1,200 pictures of Flickr8k train.
RIDGE, TARGET = 3.0, 2.0


def main() -> None:
    """Print precision@10 before and after, for each group and on average."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--split", type=Path)
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    options = parser.parse_args()
    if not options.folder.is_dir():
        sys.exit(f"{options.folder}: no such folder")
    with tempfile.TemporaryDirectory() as place:
        folder, words = options.folder, dict[str, set[str]]()
        if options.split:
            folder, words = _link_described(options.folder, options.split, Path(place) / "pictures")
        with Library.create(Path(place) / "library", encoder=options.model) as library:
            index_folder(library, folder)
            groups = dict(_word_groups(library, words) if words else _hypernym_groups(library))
            if not groups:
                sys.exit(f"{folder}: no group has {MIN_GROUP} pictures; are synsets in names?")
            figures = np.array([_figures(library, name, of) for name, of in groups.items()])
    for (name, members), of_group in zip(groups.items(), figures, strict=True):
        print(f"{name:24} {len(members):4}  " + "".join(f"{figure:6.0f}" for figure in of_group))
    ceiling = np.mean([min(HITS, len(m) - MARKS) / HITS * 100 for m in groups.values()])
    print(f"{len(groups)} groups; precision@{HITS} at most {ceiling:.1f}")
    unrefined, rocchio, linear, by_picture, refined = figures.T
    _print("words, Rocchio", unrefined, rocchio)
    _print("words, linear model", unrefined, linear)
    _print("a picture, Rocchio", by_picture, refined)


def _print(name: str, before: np.ndarray, after: np.ndarray) -> None:
    gain = (after - before).mean()
    low, high = _interval(after - before)
    means = f"unrefined {before.mean():.1f}, refined {after.mean():.1f}"
    print(f"{name:20} {means}: {gain:+.1f} points ({low:+.1f} to {high:+.1f})")


def _link_described(folder: Path, split: Path, linked: Path) -> tuple[Path, dict[str, set[str]]]:
    """Link some pictures of a list into a folder; returns it, and the pictures' names by word."""
    names = sorted(read_split(folder, split))
    names = names[:: max(1, len(names) // PICTURES)][:PICTURES]
    linked.mkdir()
    found: dict[str, set[str]] = {}
    captions = find_captions(folder, names).captions
    for name in names:
        link = linked / Path(os.fsdecode(name)).name
        link.symlink_to((folder / os.fsdecode(name)).resolve())
        texts = [caption.text.lower() for caption in captions.get(name, ())]
        told = Counter(word for text in texts for word in set(WORD.findall(text)))
        for word in (word for word, times in told.items() if times >= MIN_CAPTIONS):
            found.setdefault(word, set()).add(link.name)
    return linked, found


def _word_groups(
    library: Library, words: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, frozenset[int]]]:
    """Each word of some pictures, but not too many, with their ids."""
    present = library.catalogue.present_ids()
    ids = {p.path.name: key for key, p in library.catalogue.pictures(present).items()}
    for word, names in sorted(words.items()):
        if MIN_GROUP <= len(names) <= MAX_SHARE * len(present):
            yield word, frozenset(ids[name] for name in names if name in ids)


def _hypernym_groups(library: Library) -> Iterator[tuple[str, frozenset[int]]]:
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
        if MIN_GROUP <= len(of) <= MAX_SHARE * len(present):
            other = same.get(frozenset(of))
            if other is None or other in table.above(synset):
                same[frozenset(of)] = synset
    for group, synset in same.items():
        yield table.names[synset], group


def _figures(library: Library, name: str, members: frozenset[int]) -> tuple[float, ...]:
    """Precision@10 among unmarked pictures: unrefined, refined, linear model; then by a picture.

    The last two are unrefined and refined, for a picture as the query.
    """
    searcher = Searcher(library)
    ask = partial(searcher.search, Query.of(name, weight=1.0))
    plain, refined, right, wrong = _mark(ask, members)
    linear = _by_linear_model(library, name, right, wrong)
    found = library.catalogue.pictures(members)
    asks = sorted(members, key=lambda key: found[key].path)[len(members) // 2]
    ask = partial(searcher.similar, asks, weight=1.0)
    by_picture = _mark(ask, members - {asks})[:2]
    return plain, refined, _precision(linear, members), *by_picture


def _mark(
    ask: Callable[..., Answer], members: frozenset[int]
) -> tuple[float, float, list[int], list[int]]:
    """Precision@10 among unmarked pictures, without and with marks; the right and wrong marks."""
    order = [hit.picture_id for hit in ask(k=10**6).hits]
    right = [key for key in order if key in members][:MARKS]
    wrong = [key for key in order if key not in members][:MARKS]
    unmarked = [key for key in order if key not in {*right, *wrong}]
    hits = [hit.picture_id for hit in ask(k=HITS, like=right, unlike=wrong).hits]
    return _precision(unmarked, members), _precision(hits, members), right, wrong


def _by_linear_model(library: Library, name: str, right: list[int], wrong: list[int]) -> list[int]:
    """Rank unmarked pictures by a ridge regression that starts from the query, not from zero.

    `w` minimises `|X w - y|² + λ |w - q|²`, where `X` are the rows of marked pictures and `y` is
    a target for right ones and 0 for wrong ones: `w = q + Xᵀ (X Xᵀ + λ I)⁻¹ (y - X q)`.
    """
    means, encoder = library.encoder.means, library.encoder
    zero = np.zeros(encoder.dim, np.float32)
    q = centred_query(encoder.encode_texts([name])[0], TEXT, means)
    found = library.embedded(sorted(library.catalogue.present_ids()))
    rows = found.v_i - means.get(IMAGE, zero)
    place = {key: n for n, key in enumerate(found.ids.tolist())}
    x = unit_rows(rows[[place[key] for key in (*right, *wrong)]])
    y = np.array([TARGET] * len(right) + [0.0] * len(wrong), np.float32)
    w = q + x.T @ np.linalg.solve(x @ x.T + RIDGE * np.eye(len(x), dtype=np.float32), y - x @ q)
    order = found.ids[np.argsort(-(rows @ w), kind="stable")].tolist()
    return [key for key in order if key not in {*right, *wrong}]


def _precision(order: list[int], members: frozenset[int]) -> float:
    return 100 * sum(key in members for key in order[:HITS]) / HITS


def _interval(gains: np.ndarray, draws: int = 10_000) -> tuple[float, float]:
    """The 95 % interval of the mean, by resampling groups."""
    chosen = np.random.default_rng(0).integers(len(gains), size=(draws, len(gains)))
    low, high = np.percentile(gains[chosen].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


if __name__ == "__main__":
    main()
