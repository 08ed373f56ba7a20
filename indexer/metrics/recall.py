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
    """The rank (m,) of the right answer to each query, from 1, and the picture (m,) of each.

    The queries of one picture are no independent witnesses: what is said of their certainty goes
    by pictures.
    """

    ranks: Ints
    pictures: Ints

    def of(self, chosen: NDArray[np.bool_]) -> RetrievalRanks:
        """Some of the queries."""
        return RetrievalRanks(self.ranks[chosen], self.pictures[chosen])


def ranks(scores: NDArray[np.floating], relevant: NDArray[np.bool_]) -> Ints:
    """Rank (from 1) of the best relevant candidate of each query.

    `scores` and `relevant`: (queries, candidates). A tie with a wrong candidate counts against
    the query, and so does a score that is no number, so that neither is ever a success. Scores
    within rounding of each other tie: a matrix product gives equal rows different last digits.
    """
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    least = best - _ROUNDING * np.finfo(scores.dtype).eps * np.maximum(1, np.abs(best))
    return np.asarray(1 + (~(scores < least) & ~relevant).sum(axis=1), dtype=np.int64)


def figures(found: Ints, ks: Iterable[int] = KS) -> dict[str, float]:
    """Recall@k in per cent, median rank, mean reciprocal rank and the number of queries."""
    if not len(found):
        return {**{f"r@{k}": 0.0 for k in ks}, "median_rank": 0.0, "mrr": 0.0, "queries": 0}
    return {
        **{f"r@{k}": round(100 * float((found <= k).mean()), 2) for k in ks},
        "median_rank": float(np.median(found)),
        "mrr": round(float((1 / found).mean()), 4),
        "queries": len(found),
    }


def mean_recall(found: Ints, ks: Iterable[int] = KS) -> float:
    """Mean of recall@1, @5 and @10 in per cent: the figure that early stopping watches."""
    return float(np.mean([100 * (found <= k).mean() for k in ks]))
