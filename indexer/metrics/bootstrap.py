"""Percentile intervals of figures by the bootstrap.

It resamples pictures, each with all its queries (a cluster bootstrap: Field and Welsh, 2007): five
captions of one picture are found or missed together, and resampling single queries would count them
as five independent observations. All intervals use the same samples, so that two systems are
compared on the same pictures, and results are the same at every run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Ints
from indexer.metrics.recall import KS, RetrievalRanks

RESAMPLES = 1000
LEVELS = (0.025, 0.975)
SEED = 0
MIN_PICTURES = 30  # with queries: with fewer, the bootstrap is too confident
COUNTS_AT_ONCE = 2_000_000  # numbers of one part of the resamples
MRR = "mrr"

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """The lead of one system over another on the same queries, by figure, with its intervals."""

    by: Mapping[str, float]
    ci95: Mapping[str, list[float]]

    def verdict(self, figure: str = MRR) -> int:
        """1 if better, -1 if worse, 0 if the interval includes 0."""
        low, high = self.ci95[figure]
        return (low > 0) - (high < 0)

    def fields(self) -> dict[str, Any]:
        """The difference as JSON."""
        return {**self.by, "ci95": dict(self.ci95)}


def intervals(
    found: RetrievalRanks, ks: Sequence[int] = KS, *, resamples: int = RESAMPLES
) -> dict[str, list[float]]:
    """The 95 % interval of each figure: recall@k in per cent, median rank, mean reciprocal rank."""
    if not len(found.ranks):
        return {}
    position, pictures = _positions(found.pictures)
    sums = _sums(_successes(found.ranks, ks), position, pictures)
    order = np.argsort(found.ranks, kind="stable")
    ordered, owner = found.ranks[order], position[order]
    rates, medians = [], []
    for drawn in draws(pictures, len(found.ranks), resamples):
        rates.append(_rates(drawn, sums))
        medians.append(weighted_medians(ordered, drawn[:, owner]))
    spans = _spans(_names(ks), np.concatenate(rates))
    (median,) = _spans(["median_rank"], np.concatenate(medians)[:, None]).values()
    mrr = spans.pop(MRR)
    return {**spans, "median_rank": median, MRR: mrr}


def difference(
    found: RetrievalRanks,
    against: RetrievalRanks,
    ks: Sequence[int] = KS,
    *,
    resamples: int = RESAMPLES,
) -> Difference:
    """The lead of `found` over `against`, with paired intervals; both for the same queries."""
    if not np.array_equal(found.pictures, against.pictures):
        raise ValueError("only answers to the same queries can be compared")
    position, pictures = _positions(found.pictures)
    leads = _successes(found.ranks, ks) - _successes(against.ranks, ks)
    sums = _sums(leads, position, pictures)
    drawn = [_rates(part, sums) for part in draws(pictures, pictures, resamples)]
    once = _rates(np.ones((1, pictures)), sums)[0]
    by = {name: _rounded(name, value) for name, value in zip(_names(ks), once, strict=True)}
    return Difference(by, _spans(_names(ks), np.concatenate(drawn)))


def curve(found: RetrievalRanks, deepest: int, *, resamples: int = RESAMPLES) -> Numbers:
    """Recall@k in per cent for k = 1 to `deepest`, with its interval: (3, deepest)."""
    ks = np.arange(1, deepest + 1)
    position, pictures = _positions(found.pictures)
    sums = _sums(np.where(found.ranks[:, None] <= ks, 100.0, 0.0), position, pictures)
    drawn = [_rates(part, sums) for part in draws(pictures, deepest, resamples)]
    once = _rates(np.ones((1, pictures)), sums)
    return np.concatenate([once, interval_ends(np.concatenate(drawn))])


def interval_ends(drawn: Numbers) -> Numbers:
    """Low and high end of the interval of each column (resamples, columns): (2, columns).

    Resamples without a figure (NaN) do not count.
    """
    return np.asarray(np.nanquantile(drawn, LEVELS, axis=0))


def draws(pictures: int, width: int, resamples: int) -> Iterator[Numbers]:
    """Counts of each picture in each resample, in parts (resamples, pictures); always the same.

    `width`: the numbers that are computed from each resample; parts are sized to fit into memory.
    """
    random = np.random.default_rng(SEED)
    size = max(1, COUNTS_AT_ONCE // max(pictures, width))
    for start in range(0, resamples, size):
        count = min(size, resamples - start)
        sample = random.integers(0, pictures, (count, pictures))
        sample += pictures * np.arange(count)[:, None]
        times = np.bincount(sample.ravel(), minlength=count * pictures)
        yield times.reshape(count, pictures).astype(np.float64)


def weighted_medians(ordered: Ints, times: Numbers) -> Numbers:
    """The median (b,) of each resample: sorted ranks `ordered` (m,), repeated `times` (b, m)."""
    reached = np.cumsum(times, axis=1)
    halves = reached[:, -1] / 2
    lower = [np.searchsorted(row, half, "left") for row, half in zip(reached, halves, strict=True)]
    upper = [np.searchsorted(row, half, "right") for row, half in zip(reached, halves, strict=True)]
    return np.asarray((ordered[lower] + ordered[upper]) / 2, dtype=np.float64)


def _positions(pictures: Ints) -> tuple[Ints, int]:
    """The pictures of the queries, numbered without gaps, and the number of pictures."""
    names, position = np.unique(pictures, return_inverse=True)
    return position.astype(np.int64), len(names)


def _names(ks: Sequence[int]) -> list[str]:
    return [*(f"r@{k}" for k in ks), MRR]


def _successes(ranks: Ints, ks: Sequence[int]) -> Numbers:
    """The contribution of each query to each figure, (m, figures): per cent, reciprocal rank."""
    return np.column_stack([*(100.0 * (ranks <= k) for k in ks), 1 / ranks])


def _sums(values: Numbers, position: Ints, pictures: int) -> Numbers:
    """The values (m, figures) summed by picture, and the number of queries as the last column."""
    columns = [np.bincount(position, column, minlength=pictures) for column in values.T]
    return np.column_stack([*columns, np.bincount(position, minlength=pictures)])


def _rates(drawn: Numbers, sums: Numbers) -> Numbers:
    """The figures of each resample."""
    totals = drawn @ sums
    rates: Numbers = totals[:, :-1] / totals[:, -1:]
    return rates


def _spans(names: Sequence[str], rates: Numbers) -> dict[str, list[float]]:
    """Low and high end of each column (resamples, figures)."""
    pairs = interval_ends(rates).T
    return {
        name: [_rounded(name, end) for end in pair] for name, pair in zip(names, pairs, strict=True)
    }


def _rounded(name: str, value: float) -> float:
    return round(float(value), 4 if name == MRR else 2)
