"""Diverse answers: hits that are unlike the hits before them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.errors import InputError

POOL_PAGES = 5  # a pool holds the best hits of this many pages; diversity reorders it
MIN_POOL, MAX_POOL = 50, 500  # hits of a pool: the work grows with their square


def check_strength(strength: float) -> None:
    """Raise `InputError` unless the strength lies from 0 to 1."""
    if not 0 <= strength <= 1:
        raise InputError(f"diverse: {strength} is not between 0 (by score alone) and 1")


def pool_of(k: int) -> int:
    """Number of the best hits that are reordered at once, for pages of k."""
    return max(MIN_POOL, min(POOL_PAGES * k, MAX_POOL))


def diverse_order(scores: NDArray[np.float32], rows: Rows, strength: float) -> NDArray[np.int64]:
    """The places of all hits in the order of maximal marginal relevance, the best hit first.

    Carbonell and Goldstein 1998, "The use of MMR": next comes the hit i of the highest
    `(1 - strength) * scores[i] - strength * max(rows[i] @ rows[j] for all j before)`. `scores`
    (n,) are cosines, `rows` (n, dim) unit rows of the pictures; ties go to the first.
    """
    order: list[int] = []
    relevance = (1 - strength) * scores.astype(np.float64)
    likeness = np.full(len(scores), -np.inf)
    waiting = np.ones(len(scores), np.bool_)
    for _ in range(len(scores)):
        worth = relevance - strength * likeness if order else relevance
        place = int(np.argmax(np.where(waiting, worth, -np.inf)))
        order.append(place)
        waiting[place] = False
        likeness = np.maximum(likeness, rows @ rows[place])
    return np.array(order, np.int64)
