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

from indexer.vectors.compressed import Candidates
from indexer.vectors.index import KeyedBlock
from indexer.vectors.keys import Ids
from indexer.vectors.scoring import CentredIndex, ScoredQuery, Scores, block_scores, rough_scores

T = TypeVar("T")
SCAN_FROM_SHARE = 8  # one row in so many is cheaper to find by a scan of all than one by one


@dataclass(frozen=True, slots=True)
class Selection:
    """How many positions, which not (ascending), and which only (ascending; None: all)."""

    k: int
    barred: Ids
    only: Ids | None = None

    def among(self, positions: Ids) -> Selection:
        """All of some positions (ascending), as far as they are wanted at all."""
        allowed = positions if self.only is None else np.intersect1d(positions, self.only)
        return Selection(len(allowed), self.barred, allowed)

    def all_barred(self, size: int) -> Ids:
        """All positions that are not wanted, of so many."""
        allowed = np.zeros(size, np.bool_)
        allowed[slice(None) if self.only is None else self.only] = True
        allowed[self.barred] = False
        return np.flatnonzero(~allowed)


def scores(stored: CentredIndex, q: NDArray[np.float32], weight: float) -> Scores:
    """The re-scored value at every position: exact, by a scan; -inf where a row cannot answer.

    `q`: a centred unit row (dim,), for scores (n,); or many (m, dim), for scores (m, n). The
    product with the query is taken from each kind's centre and divided by the length of the
    weighted pair; scores without a caption are spread as far as fused ones, so that both kinds
    rank fairly in one list.
    """
    asked = ScoredQuery.of(stored, q, weight)
    nothing = np.zeros((len(asked.queries), 0), np.float32)
    parts = each_block(lambda keyed: block_scores(keyed, asked, stored.fusion), stored.index.blocks)
    found: Scores = np.concatenate([nothing, *parts], axis=1)
    one: Scores = found[0]
    return one if q.ndim == 1 else found


def nearest(
    stored: CentredIndex, q: NDArray[np.float32], weight: float, wanted: Selection
) -> tuple[Ids, Scores]:
    """The positions of the k best rows and their scores, best first.

    A large library is asked through its compressed index; what is restricted to some pictures, or
    asks for many, is answered exactly. Scores are exact in any case. Raises `RowsDamaged`.
    """
    compressed = stored.index.compressed
    few = wanted.k + len(wanted.barred)
    if compressed is None or wanted.only is not None or not compressed.serves(few):
        return ranked(stored, q, weight, wanted)
    return candidates_of(stored, q, weight, wanted, compressed.candidates(q, weight))


def ranked(
    stored: CentredIndex, q: NDArray[np.float32], weight: float, wanted: Selection
) -> tuple[Ids, Scores]:
    """The positions of the k best rows and their scores, best first: exact, on all cores."""
    asked, index = ScoredQuery.of(stored, q, weight), stored.index
    if wanted.only is not None and len(wanted.only) * SCAN_FROM_SHARE > index.size:
        wanted = Selection(wanted.k, wanted.all_barred(index.size))
    if wanted.only is not None:
        only = np.setdiff1d(wanted.only, wanted.barred)
        return _of_some(stored, asked, only, wanted.k, all_checked=True)
    numbered = list(zip(index.blocks, index.starts.tolist(), strict=False))
    return _scanned(stored, asked, wanted, numbered)


def candidates_of(
    stored: CentredIndex,
    q: NDArray[np.float32],
    weight: float,
    wanted: Selection,
    candidates: Candidates,
) -> tuple[Ids, Scores]:
    """The best of candidates, scored exactly, and of the rows that had no chance to be any.

    Where most candidates are pictures that have gone, all rows are scanned instead.
    """
    asked, index = ScoredQuery.of(stored, q, weight), stored.index
    others = [
        (keyed, start)
        for keyed, start in zip(index.blocks, index.starts.tolist(), strict=False)
        if keyed.block.name not in candidates.covered
    ]
    living = index.positions(candidates.pictures)
    if 2 * len(living) < len(candidates.pictures):  # what was asked for was mostly removed
        return ranked(stored, q, weight, wanted)
    positions = living[np.isin(living, wanted.barred, invert=True)]
    found = _of_some(stored, asked, positions, wanted.k, all_checked=False)
    if not others:
        return found
    scanned = _scanned(stored, asked, wanted, others)
    new = np.isin(scanned[0], found[0], invert=True)
    return _best_of([found, (scanned[0][new], scanned[1][new])], wanted.k)


def _scanned(
    stored: CentredIndex,
    asked: ScoredQuery,
    wanted: Selection,
    numbered: Sequence[tuple[KeyedBlock, int]],
) -> tuple[Ids, Scores]:
    """The best of some blocks: scored roughly, all that may be among them then exactly."""

    def leading(item: tuple[KeyedBlock, int]) -> tuple[Ids, Scores, float]:
        keyed, start = item
        found, slack = rough_scores(keyed, asked, stored.fusion)
        first, end = np.searchsorted(wanted.barred, [start, start + len(keyed)])
        found[wanted.barred[first:end] - start] = -np.inf
        chosen = _not_below(found, wanted.k, slack)
        return chosen + start, found[chosen], slack

    parts = list(each_block(leading, numbered))
    positions = np.concatenate([np.zeros(0, np.int64), *(part[0] for part in parts)])
    rough = np.concatenate([np.zeros(0, np.float32), *(part[1] for part in parts)])
    chosen = _not_below(rough, wanted.k, max((part[2] for part in parts), default=0))
    return _of_some(stored, asked, np.sort(positions[chosen]), wanted.k, all_checked=False)


def _not_below(rough: Scores, k: int, slack: float) -> Ids:
    """Positions of all that may be among the k best, where each is right within `slack`."""
    if k <= 0 or not len(rough):
        return np.zeros(0, np.int64)
    k = min(k, len(rough))
    floor = np.partition(rough, len(rough) - k)[len(rough) - k] - np.float32(2 * slack)
    return np.flatnonzero((rough >= floor) & np.isfinite(rough))


def _of_some(
    stored: CentredIndex, asked: ScoredQuery, positions: Ids, k: int, *, all_checked: bool
) -> tuple[Ids, Scores]:
    """The best of some positions (ascending), from their rows alone.

    Either all of these rows are checked, or those that are returned.
    """
    index = stored.index
    if all_checked:
        index.check(positions, asked.parts)
    keyed = index.gathered(positions, asked.parts)
    (found,) = block_scores(keyed, asked, stored.fusion)
    found[~np.isfinite(found)] = -np.inf  # a damaged row may hold anything
    chosen = best(found, k)
    index.check(np.sort(positions[chosen]), asked.parts)
    return positions[chosen], found[chosen]


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
