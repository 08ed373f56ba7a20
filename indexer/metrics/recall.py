"""Retrieval: the ranks of the right answers, and their figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Ints

KS = (1, 5, 10)
_ROUNDING = 4  # units in the last place of 1, within which scores are equal


@dataclass(frozen=True, slots=True)
class RetrievalRanks:
    """The rank (m,) of the right answer to each query, from 1, and the picture (m,) of each query.

    The queries of one picture are not independent, so intervals are computed over pictures.
    """

    ranks: Ints
    pictures: Ints

    def of(self, mask: NDArray[np.bool_]) -> RetrievalRanks:
        """The queries in a mask (m,)."""
        return RetrievalRanks(self.ranks[mask], self.pictures[mask])


def ranks(scores: NDArray[np.floating], relevant: NDArray[np.bool_]) -> Ints:
    """Rank (from 1) of the best relevant candidate of each query.

    `scores` and `relevant`: (queries, candidates). A tie with a wrong candidate counts against
    the query, and so does NaN: neither is ever a success. Scores within rounding of each other
    tie: a matrix product gives equal rows different last digits.
    """
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    least = best - _ROUNDING * np.finfo(scores.dtype).eps * np.maximum(1, np.abs(best))
    return np.asarray(1 + (~(scores < least) & ~relevant).sum(axis=1), dtype=np.int64)


def figures(ranks: Ints, ks: Iterable[int] = KS) -> dict[str, float]:
    """Recall@k in per cent, median rank, mean reciprocal rank and the number of queries."""
    if not len(ranks):
        return {**{f"r@{k}": 0.0 for k in ks}, "median_rank": 0.0, "mrr": 0.0, "queries": 0}
    return {
        **{f"r@{k}": round(100 * float((ranks <= k).mean()), 2) for k in ks},
        "median_rank": float(np.median(ranks)),
        "mrr": round(float((1 / ranks).mean()), 4),
        "queries": len(ranks),
    }


def mean_recall(ranks: Ints, ks: Iterable[int] = KS) -> float:
    """Mean of recall@1, @5 and @10 in per cent: the figure that early stopping watches."""
    return float(np.mean([100 * (ranks <= k).mean() for k in ks]))
