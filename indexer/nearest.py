"""The best rows for a query: among all, among some, or among candidates."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.compressed import Candidates
from indexer.scoring import Asked, Scores, StoredRows, block_scores
from indexer.vectors import Ids, KeyedBlock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many positions, which not (ascending), and which only (ascending; None: all)."""

    k: int
    barred: Ids
    only: Ids | None = None


def ranked(
    stored: StoredRows, q: NDArray[np.float32], weight: float, wanted: Wanted
) -> tuple[Ids, Scores]:
    """The positions of the k best rows and their scores, best first: exact, on all cores."""
    asked, index = Asked.of(stored, q, weight), stored.index
    if wanted.only is not None:
        return _of_some(stored, asked, np.setdiff1d(wanted.only, wanted.barred), wanted.k)
    numbered = list(zip(index.blocks, index.starts.tolist(), strict=False))
    return _best_of(_scanned(stored, asked, wanted, numbered), wanted.k)


def candidates_of(
    stored: StoredRows,
    q: NDArray[np.float32],
    weight: float,
    wanted: Wanted,
    candidates: Candidates,
) -> tuple[Ids, Scores]:
    """The best of candidates, scored exactly, and of the rows that had no chance to be any."""
    asked, index = Asked.of(stored, q, weight), stored.index
    others = [
        (keyed, start)
        for keyed, start in zip(index.blocks, index.starts.tolist(), strict=False)
        if keyed.block.name not in candidates.covered
    ]
    positions = np.setdiff1d(index.positions(candidates.pictures), wanted.barred)
    found = _of_some(stored, asked, positions, wanted.k)
    if not others:
        return found
    scanned = _best_of(_scanned(stored, asked, wanted, others), wanted.k)
    new = np.isin(scanned[0], found[0], invert=True)
    return _best_of([found, (scanned[0][new], scanned[1][new])], wanted.k)


def _scanned(
    stored: StoredRows, asked: Asked, wanted: Wanted, numbered: Sequence[tuple[KeyedBlock, int]]
) -> list[tuple[Ids, Scores]]:
    """The best of each block."""

    def leading(item: tuple[KeyedBlock, int]) -> tuple[Ids, Scores]:
        keyed, start = item
        (found,) = block_scores(keyed, asked, stored.fusion)
        first, end = np.searchsorted(wanted.barred, [start, start + len(keyed)])
        found[wanted.barred[first:end] - start] = -np.inf
        chosen = best(found, wanted.k)
        return chosen + start, found[chosen]

    return list(each_block(leading, numbered))


def _of_some(stored: StoredRows, asked: Asked, positions: Ids, k: int) -> tuple[Ids, Scores]:
    """The best of some positions (ascending), from their rows alone."""
    found = [(np.zeros(0, np.int64), np.zeros(0, np.float32))]
    bounds = np.searchsorted(positions, stored.index.starts)
    for first, (keyed, rows) in zip(
        bounds[:-1][np.diff(bounds) > 0], stored.index.split(positions), strict=True
    ):
        (score,) = block_scores(keyed, asked, stored.fusion, rows)
        found.append((positions[first : first + len(rows)], score))
    return _best_of(found, k)


def _best_of(found: list[tuple[Ids, Scores]], k: int) -> tuple[Ids, Scores]:
    """The best of what several parts gave, equal scores in order of position."""
    positions = np.concatenate([np.zeros(0, np.int64), *(where for where, _ in found)])
    values = np.concatenate([np.zeros(0, np.float32), *(score for _, score in found)])
    order = np.argsort(positions, kind="stable")
    positions, values = positions[order], values[order]
    chosen = best(values, k)
    return positions[chosen], values[chosen]


def each_block(function: Callable[..., T], items: Sequence[Any]) -> Iterable[T]:
    """The function of each item, on all cores where there are several; numpy lets go of the GIL."""
    return _pool().map(function, items) if len(items) > 1 else map(function, items)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="picfuse-scan")


def best(found: Scores, k: int) -> NDArray[np.int64]:
    """Positions of the k highest finite scores, best first; equal scores in order of position."""
    k = min(k, len(found))
    if k <= 0:
        return np.zeros(0, np.int64)
    floor = np.partition(found, len(found) - k)[len(found) - k]
    candidates = np.flatnonzero((found >= floor) & np.isfinite(found))
    order = np.argsort(-found[candidates], kind="stable")
    return candidates[order][:k]
