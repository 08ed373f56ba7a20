"""Diverse answers: hits that are unlike those before them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.errors import InputError

STRENGTH = 0.3  # where none is named: what it costs and gains is in benchmarks/README.md
POOL = 5  # times the hits of a page: the best, among which others are preferred
FEWEST, MOST = 50, 500  # of them: the work grows with their square


def check_strength(strength: float) -> None:
    """Raise `InputError` unless it lies from 0 to 1."""
    if not 0 <= strength <= 1:
        raise InputError(f"diverse: {strength} is not between 0 (by score alone) and 1")


def pool_of(k: int) -> int:
    """How many of the best hits are put into a new order, for pages of k."""
    return max(FEWEST, min(POOL * k, MOST))


def varied(scores: NDArray[np.float32], rows: Rows, strength: float) -> NDArray[np.int64]:
    """The places of all hits in the order of maximal marginal relevance, the best hit first.

    Carbonell and Goldstein 1998, "The use of MMR": next comes the hit i of the highest
    `(1 - strength) * scores[i] - strength * max(rows[i] @ rows[j] for all j before)`. `scores`
    (n,) are cosines, `rows` (n, dim) unit rows of the pictures; of equal ones the first is taken.
    """
    order: list[int] = []
    relevance = (1 - strength) * scores.astype(np.float64)
    likeness = np.full(len(scores), -np.inf)
    waiting = np.ones(len(scores), np.bool_)
    for _ in range(len(scores)):
        worth = relevance - strength * likeness if order else relevance
        chosen = int(np.argmax(np.where(waiting, worth, -np.inf)))
        order.append(chosen)
        waiting[chosen] = False
        likeness = np.maximum(likeness, rows @ rows[chosen])
    return np.array(order, np.int64)
