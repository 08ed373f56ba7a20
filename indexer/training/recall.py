"""Retrieval figures: recall@k, median rank and mean reciprocal rank."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

KS = (1, 5, 10)


def ranks(scores: NDArray[np.floating], relevant: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Rank (from 1) of the best relevant candidate of each query.

    `scores` and `relevant`: (queries, candidates). A tie with a wrong candidate counts against
    the query, and so does a score that is no number, so that neither is ever a success.
    """
    best = np.where(relevant, scores, -np.inf).max(axis=1, keepdims=True)
    return np.asarray(1 + (~(scores < best) & ~relevant).sum(axis=1), dtype=np.int64)


def figures(found: NDArray[np.int64], ks: Iterable[int] = KS) -> dict[str, float]:
    """Recall@k in per cent, median rank, mean reciprocal rank and the number of queries."""
    if not len(found):
        return {**{f"r@{k}": 0.0 for k in ks}, "median_rank": 0.0, "mrr": 0.0, "queries": 0}
    return {
        **{f"r@{k}": round(100 * float((found <= k).mean()), 2) for k in ks},
        "median_rank": float(np.median(found)),
        "mrr": round(float((1 / found).mean()), 4),
        "queries": len(found),
    }


def mean_recall(found: NDArray[np.int64], ks: Iterable[int] = KS) -> float:
    """Mean of recall@1, @5 and @10 in per cent: the figure that early stopping watches."""
    return float(np.mean([100 * (found <= k).mean() for k in ks]))
