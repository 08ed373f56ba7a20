"""Candidates: pairs of pictures that hashes and embeddings take for duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.embedding import Rows
from indexer.library.records import CopyInfo
from indexer.pictures.hashes import BITS
from search.duplicates.tiers import Tier

SAME_BITS = 10  # most bits (of 63) that differ in the perceptual hashes of two copies
SAME_COSINE = 0.6  # least cosine of their embeddings: hashes of plain pictures say little
SIMILAR_COSINE = 0.93  # least cosine of two shots of the same scene
SIMILAR_BITS, SIMILAR_LESS = 20, 0.85  # or a lower one, if their hashes are near as well
NEIGHBOURS = 16  # of each picture that are compared for similar shots
Pairs = NDArray[np.int64]
Near = dict[bytes, set[bytes]]  # by hash of a picture's bytes, those that may be like it


def candidates(library: Library, known: Sequence[CopyInfo], tier: Tier) -> Near:
    """Pairs of pictures with different bytes that may be duplicates, in both directions.

    `known` has one copy of each picture. Hashes and embeddings are as they were indexed.
    """
    if tier is Tier.IDENTICAL or len(known) < 2:
        return {}
    features = library.embedded([copy.id for copy in known])
    place = {int(key): n for n, key in enumerate(features.ids)}
    rows = np.array([place.get(copy.id, -1) for copy in known], np.int64)
    hashes = _hashes(known)
    pairs = _same(hashes, rows, features.v_i)
    if tier is Tier.SIMILAR:
        pairs = np.concatenate([pairs, _similar(hashes, rows, features.v_i)])
    near: Near = {}
    for one, other in ((known[n].content_hash, known[m].content_hash) for n, m in pairs.tolist()):
        near.setdefault(one, set()).add(other)
        near.setdefault(other, set()).add(one)
    return near


def _hashes(copies: Sequence[CopyInfo]) -> NDArray[np.uint8]:
    """Perceptual hashes (n, 8); zeros for a picture without one."""
    blank = bytes(BITS // 8)
    joined = b"".join(copy.perceptual_hash or blank for copy in copies)
    return np.frombuffer(joined, np.uint8).reshape(len(copies), BITS // 8)


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
