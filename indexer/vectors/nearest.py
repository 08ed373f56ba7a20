"""Finding the best rows for a query: among all rows, some of them, or candidates."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np

from indexer.embedding import Floats
from indexer.encoders.batching import Batcher
from indexer.vectors.compressed import Candidates
from indexer.vectors.index import KeyedBlock
from indexer.vectors.keys import Ids
from indexer.vectors.scoring import (
    CentredIndex,
    ScoredQuery,
    Scores,
    block_scores,
    joined,
    rough_scores,
)

T = TypeVar("T")
SCANNED_TOGETHER = 16  # queries; each takes 4 bytes for each row
SCAN_FROM_SHARE = 8  # scanning all rows is faster than gathering more than 1/8 of them


@dataclass(frozen=True, slots=True)
class Selection:
    """The number `k` of positions to find, the `barred` ones, and the `only` ones that qualify.

    Both are ascending; `only` is None if all positions qualify.
    """

    k: int
    barred: Ids
    only: Ids | None = None

    def among(self, positions: Ids) -> Selection:
        """Select all of these ascending positions, except those that do not qualify."""
        allowed = positions if self.only is None else np.intersect1d(positions, self.only)
        return Selection(len(allowed), self.barred, allowed)

    def all_barred(self, size: int) -> Ids:
        """All positions below `size` that are barred or do not qualify."""
        allowed = np.zeros(size, np.bool_)
        allowed[slice(None) if self.only is None else self.only] = True
        allowed[self.barred] = False
        return np.flatnonzero(~allowed)


def scores(stored: CentredIndex, q: Floats, weight: float) -> Scores:
    """Exact scores at every position, by a scan; -inf for a row that cannot match.

    `q`: a centred unit row (dim,), for scores (n,); or many (m, dim), for scores (m, n). The
    product with the query is reduced by that of the kind's centre and divided by the length of
    the weighted pair. Scores without a caption are scaled to the spread of fused ones, so that
    both kinds rank fairly in one list.
    """
    query = ScoredQuery.of(stored, q, weight)
    empty = np.zeros((len(query.queries), 0), np.float32)
    parts = each_block(lambda keyed: block_scores(keyed, query, stored.fusion), stored.index.blocks)
    all_scores: Scores = np.concatenate([empty, *parts], axis=1)
    first: Scores = all_scores[0]
    return first if q.ndim == 1 else all_scores


def nearest(
    stored: CentredIndex, q: Floats, weight: float, selection: Selection
) -> tuple[Ids, Scores]:
    """Find the positions of the k best rows and their scores, best first.

    Uses the compressed index of a large library, unless the search is restricted to some pictures
    or asks for many. Scores are exact in any case. Raises `RowsDamaged`.
    """
    compressed = stored.index.compressed
    count = selection.k + len(selection.barred)
    if compressed is None or selection.only is not None or not compressed.serves(count):
        return ranked(stored, q, weight, selection)
    return candidates_of(stored, q, weight, selection, compressed.candidates(q, weight))


def ranked(
    stored: CentredIndex, q: Floats, weight: float, selection: Selection
) -> tuple[Ids, Scores]:
    """Find the k best rows exactly, on all cores: their positions and scores, best first."""
    query, index = ScoredQuery.of(stored, q, weight), stored.index
    if selection.only is not None and len(selection.only) * SCAN_FROM_SHARE > index.size:
        selection = Selection(selection.k, selection.all_barred(index.size))
    if selection.only is not None:
        only = np.setdiff1d(selection.only, selection.barred)
        return _of_some(stored, query, only, selection.k, all_checked=True)
    numbered = list(zip(index.blocks, index.starts.tolist(), strict=False))
    return _scanned(stored, query, selection, numbered)


def candidates_of(
    stored: CentredIndex,
    q: Floats,
    weight: float,
    selection: Selection,
    candidates: Candidates,
) -> tuple[Ids, Scores]:
    """Find the best among candidates and the rows that the compressed index does not cover.

    Scores are exact. Scans all rows instead if most candidates have been removed.
    """
    query, index = ScoredQuery.of(stored, q, weight), stored.index
    others = [
        (keyed, start)
        for keyed, start in zip(index.blocks, index.starts.tolist(), strict=False)
        if keyed.block.name not in candidates.covered
    ]
    present = index.positions(candidates.pictures)
    if 2 * len(present) < len(candidates.pictures):
        return ranked(stored, q, weight, selection)
    positions = present[np.isin(present, selection.barred, invert=True)]
    best_candidates = _of_some(stored, query, positions, selection.k, all_checked=False)
    if not others:
        return best_candidates
    scanned = _scanned(stored, query, selection, others)
    new = np.isin(scanned[0], best_candidates[0], invert=True)
    return _best_of([best_candidates, (scanned[0][new], scanned[1][new])], selection.k)


def _scanned(
    stored: CentredIndex,
    query: ScoredQuery,
    selection: Selection,
    numbered: Sequence[tuple[KeyedBlock, int]],
) -> tuple[Ids, Scores]:
    """Find the best of some blocks: score all roughly, then those in question exactly.

    Queries that other threads ask meanwhile wait, and are then scored together: one scan reads
    memory as fast as the cores can.
    """
    (parts,) = _SCANS([_Scan(stored, query, selection, numbered)])
    positions = np.concatenate([np.zeros(0, np.int64), *(part.positions for part in parts)])
    rough = np.concatenate([np.zeros(0, np.float32), *(part.scores for part in parts)])
    top = _not_below(rough, selection.k, max((part.slack for part in parts), default=0))
    return _of_some(stored, query, np.sort(positions[top]), selection.k, all_checked=False)


@dataclass(frozen=True, slots=True)
class _Scan:
    """A query whose best rows are searched in some blocks, each with its first position."""

    stored: CentredIndex
    query: ScoredQuery
    selection: Selection
    numbered: Sequence[tuple[KeyedBlock, int]]

    @property
    def kind(self) -> tuple[object, ...]:
        """Scans of one kind can read the rows together."""
        starts = tuple(start for _, start in self.numbered)
        return id(self.stored), self.query.weight, self.query.parts, starts


@dataclass(frozen=True, slots=True)
class _Leading:
    """Positions (n,) that lead in a block, their rough scores (n,), and the error of these."""

    positions: Ids
    scores: Scores
    slack: float


def _scans(scans: Sequence[_Scan]) -> list[list[_Leading]]:
    """Rows that lead in the blocks of each scan; those of one kind read the rows together."""
    found: dict[int, list[_Leading]] = {}
    for kind in dict.fromkeys(scan.kind for scan in scans):
        places = [place for place, scan in enumerate(scans) if scan.kind == kind]
        of_kind = [scans[place] for place in places]
        together = joined([scan.query for scan in of_kind])
        blocks = each_block(partial(_leading, of_kind, together), of_kind[0].numbered)
        found |= dict(zip(places, map(list, zip(*blocks, strict=True)), strict=False))
    return [found.get(place, []) for place in range(len(scans))]


def _leading(
    scans: Sequence[_Scan], queries: ScoredQuery, item: tuple[KeyedBlock, int]
) -> list[_Leading]:
    """Rows that lead in a block for each of several scans."""
    keyed, start = item
    scores, slack = rough_scores(keyed, queries, scans[0].stored.fusion)
    found = []
    for scan, rough in zip(scans, scores, strict=True):
        first, end = np.searchsorted(scan.selection.barred, [start, start + len(keyed)])
        rough[scan.selection.barred[first:end] - start] = -np.inf
        rows = _not_below(rough, scan.selection.k, slack)
        found.append(_Leading(rows + start, rough[rows], slack))
    return found


_SCANS: Batcher[_Scan, list[_Leading]] = Batcher(_scans, SCANNED_TOGETHER)


def _not_below(rough: Scores, k: int, slack: float) -> Ids:
    """Positions that could still be in the top k, if every score is within `slack` of exact."""
    if k <= 0 or not len(rough):
        return np.zeros(0, np.int64)
    k = min(k, len(rough))
    floor = np.partition(rough, len(rough) - k)[len(rough) - k] - np.float32(2 * slack)
    return np.flatnonzero((rough >= floor) & np.isfinite(rough))


def _of_some(
    stored: CentredIndex, query: ScoredQuery, positions: Ids, k: int, *, all_checked: bool
) -> tuple[Ids, Scores]:
    """Find the best of some ascending positions, reading only their rows.

    Checks either all of these rows, or only those that are returned.
    """
    index = stored.index
    if all_checked:
        index.check(positions, query.parts)
    keyed = index.gathered(positions, query.parts)
    (exact,) = block_scores(keyed, query, stored.fusion)
    exact[~np.isfinite(exact)] = -np.inf  # a damaged row may hold anything
    top = best(exact, k)
    index.check(np.sort(positions[top]), query.parts)
    return positions[top], exact[top]


def _best_of(results: list[tuple[Ids, Scores]], k: int) -> tuple[Ids, Scores]:
    """The best of several results, equal scores in the order of positions."""
    positions = np.concatenate([np.zeros(0, np.int64), *(where for where, _ in results)])
    values = np.concatenate([np.zeros(0, np.float32), *(score for _, score in results)])
    order = np.argsort(positions, kind="stable")
    positions, values = positions[order], values[order]
    top = best(values, k)
    return positions[top], values[top]


def each_block(function: Callable[..., T], items: Sequence[Any]) -> Iterable[T]:
    """Apply a function to each item, on all cores if there are several; numpy releases the GIL."""
    return _pool().map(function, items) if len(items) > 1 else map(function, items)


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="picfuse-scan")


def best(values: Scores, k: int) -> Ids:
    """Places of the k highest finite scores, best first; equal scores in the order of places."""
    k = min(k, len(values))
    if k <= 0:
        return np.zeros(0, np.int64)
    floor = np.partition(values, len(values) - k)[len(values) - k]
    top = np.flatnonzero((values >= floor) & np.isfinite(values))
    order = np.argsort(-values[top], kind="stable")
    return top[order][:k]
