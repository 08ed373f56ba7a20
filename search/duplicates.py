"""Duplicates in three tiers: the same bytes, the same picture, a similar shot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.embedding import Rows
from indexer.errors import InputError
from indexer.library.records import CopyInfo, copies
from indexer.pictures.hashes import BITS

SAME_BITS = 10  # most bits (of 63) that differ in the perceptual hashes of two copies
SAME_COSINE = 0.6  # least cosine of their embeddings: hashes of plain pictures say little
SIMILAR_COSINE = 0.93  # least cosine of two shots of the same scene
SIMILAR_BITS, SIMILAR_LESS = 20, 0.85  # or a lower one, if their hashes are near as well
NEIGHBOURS = 16  # of each picture that are compared for similar shots
Pairs = NDArray[np.int64]


class Tier(Enum):
    """A degree of likeness; each tier holds all that the one before it holds."""

    IDENTICAL = "identical"  # the same bytes
    SAME = "same"  # the same picture, perhaps resized, recompressed or lit
    SIMILAR = "similar"  # another shot of the same scene, or a part of it


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that are alike, the best copy first: most pixels, largest file, oldest."""

    pictures: tuple[CopyInfo, ...]

    @property
    def best(self) -> CopyInfo:
        """The copy to keep."""
        return self.pictures[0]


def find_duplicates(library: Library, tier: Tier | str = Tier.SAME) -> list[Group]:
    """The groups of a tier, sorted by the paths of their best copies. Changes nothing.

    Raises `InputError` for an unknown tier.
    """
    try:
        tier = Tier(tier)
    except ValueError as error:
        tiers = ", ".join(one.value for one in Tier)
        raise InputError(f"no tier {tier!r}; use {tiers}") from error
    known = copies(library.catalogue)
    pairs = [_identical(known)]
    if tier is not Tier.IDENTICAL and len(known) > 1:
        features = library.embedded([copy.id for copy in known])
        place = {int(key): n for n, key in enumerate(features.ids)}
        rows = np.array([place.get(copy.id, -1) for copy in known], np.int64)
        hashes = _hashes(known)
        pairs.append(_same(hashes, rows, features.v_i))
        if tier is Tier.SIMILAR:
            pairs.append(_similar(hashes, rows, features.v_i))
    groups = [Group(tuple(sorted((known[n] for n in g), key=_rank))) for g in _joined(pairs)]
    return sorted(groups, key=lambda group: str(group.best.path))


def _rank(copy: CopyInfo) -> tuple[int, int, str, str]:
    """A key that sorts the best first, then the oldest, by camera date if there is one."""
    return -copy.width * copy.height, -copy.size, copy.taken or copy.modified or "", str(copy.path)


def _hashes(copies: Sequence[CopyInfo]) -> NDArray[np.uint8]:
    """Perceptual hashes (n, 8); zeros for a picture without one."""
    blank = bytes(BITS // 8)
    joined = b"".join(copy.perceptual_hash or blank for copy in copies)
    return np.frombuffer(joined, np.uint8).reshape(len(copies), BITS // 8)


def _identical(copies: Sequence[CopyInfo]) -> Pairs:
    first: dict[bytes, int] = {}
    pairs = [(first.setdefault(copy.content_hash, n), n) for n, copy in enumerate(copies)]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], np.int64).reshape(-1, 2)


def _same(hashes: NDArray[np.uint8], rows: NDArray[np.int64], v_i: Rows) -> Pairs:
    """Pairs with near hashes whose embeddings do not contradict them."""
    known = np.flatnonzero(hashes.any(axis=1) & (rows >= 0))
    if len(known) < 2:
        return np.zeros((0, 2), np.int64)
    ones, others = _neighbours().near_hashes(hashes[known], SAME_BITS)
    pairs: Pairs = np.stack([known[ones], known[others]], axis=1)
    return _agreeing(pairs[pairs[:, 0] < pairs[:, 1]], rows, v_i, SAME_COSINE)


def _similar(hashes: NDArray[np.uint8], rows: NDArray[np.int64], v_i: Rows) -> Pairs:
    """Pairs of neighbours with near embeddings, or with less near ones and near hashes."""
    known = np.flatnonzero(rows >= 0)
    vectors = np.ascontiguousarray(v_i[rows[known]])
    cosines, others = _neighbours().nearest_rows(vectors, NEIGHBOURS)
    ones = np.repeat(np.arange(len(known)), others.shape[1])
    pairs = np.stack([known[ones], known[others.ravel()]], axis=1)
    differing = np.bitwise_count(hashes[pairs[:, 0]] ^ hashes[pairs[:, 1]]).sum(axis=1)
    hashed = np.logical_and(hashes[pairs[:, 0]].any(axis=1), hashes[pairs[:, 1]].any(axis=1))
    near = hashed & (cosines.ravel() >= SIMILAR_LESS) & (differing <= SIMILAR_BITS)
    alike = (cosines.ravel() >= SIMILAR_COSINE) | near
    similar: Pairs = pairs[alike & (pairs[:, 0] < pairs[:, 1]) & (others.ravel() >= 0)]
    return similar


def _neighbours() -> ModuleType:
    """Imports the module when it is needed, since that brings FAISS."""
    return import_module("search.neighbours")


def _agreeing(pairs: Pairs, rows: NDArray[np.int64], v_i: Rows, least: float) -> Pairs:
    cosines: NDArray[np.float32] = np.einsum(
        "nd,nd->n", v_i[rows[pairs[:, 0]]], v_i[rows[pairs[:, 1]]]
    )
    agreeing: Pairs = pairs[cosines >= least]
    return agreeing


def _joined(pairs: Iterable[Pairs]) -> list[list[int]]:
    """Groups of places that pairs connect, directly or through other pairs."""
    parent: dict[int, int] = {}

    def root(place: int) -> int:
        while parent.setdefault(place, place) != place:
            parent[place] = place = parent[parent[place]]
        return place

    for first, second in np.concatenate([*pairs]).tolist():
        parent[root(second)] = root(first)
    groups: dict[int, list[int]] = {}
    for place in parent:
        groups.setdefault(root(place), []).append(place)
    return list(groups.values())
