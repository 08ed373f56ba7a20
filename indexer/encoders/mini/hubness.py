"""Hubness: some rows are near to whatever is asked, and each of them would be found too often.

In spaces of many dimensions a few rows, the hubs, are among the nearest of very many others
(Radovanovic et al., 2010). How near a row is to questions of all kinds tells nothing about this
one, so it is taken off its score, as in the inverted softmax (Smith et al., 2017) and in CSLS
(Conneau et al., 2018). The questions are captions of the training data and names of classes; the
heads hold centres of captions, by k-means, moved towards what names have in common. A row has its
hubness in a column of its own, so that a product with what asks, which has a constant there, is
the corrected score: no index has to know.

    h(v) = 1/τ log sum_k s_k exp(τ b_k v)          b_k: centre of a share s_k of the questions
    x(v) = -λ/β (h(v) - usual h),  at most `MOST`
    row  = [sqrt(1 - x²) v, x],  what asks: unit([q, β]),  so that the score grows with
    sqrt(1 - x²) q v - λ (h(v) - usual h)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import HUB, IMAGE, TEXT, Rows

SHARPNESS = 20.0  # τ: the larger, the more only the nearest questions count
AIM = 0.3  # β: what asks has it in the column of hubness
COUNTS = {IMAGE: 0.9, TEXT: 0.3}  # λ: how much of its hubness is taken off a row
FORMER_COUNTS = {IMAGE: 1.0, TEXT: 0.3}  # by heads that do not say it
MOST = 0.5  # of a row's length
HUB_WIDTH = 1  # columns
TINY = 1e-9  # share of the questions, so that it has a logarithm

Array: TypeAlias = NDArray[np.float32]
HUB_PART: Mapping[str, tuple[int | str, ...]] = {
    "hub.bank": ("k", "v"),
    "hub.share": ("k",),
    "hub.usual": (2, "u"),
    "hub.counts": (2, "u"),
}


def hubness(rows: Rows, bank: Array, share: Array) -> Array:
    """`h` of unit rows (n, v), shape (n,): how near they are to the centres of the questions."""
    near = SHARPNESS * (rows @ bank.T) + np.log(share.clip(TINY))
    nearest = near.max(axis=1, keepdims=True)
    summed: Array = nearest[:, 0] + np.log(np.exp(near - nearest).sum(axis=1))
    return summed / np.float32(SHARPNESS)


def with_hubness(rows: Rows, modality: str, weights: Mapping[str, Any]) -> Rows:
    """Unit rows (n, v) and their column of hubness, (n, v + 1); as they are, without a bank."""
    if not len(weights["hub.bank"]):
        return rows
    which = (IMAGE, TEXT).index(modality)
    usual, share = weights["hub.usual"][which], weights["hub.counts"][which]
    above = hubness(rows, weights["hub.bank"], weights["hub.share"]) - usual
    x = (-share / AIM * above).clip(-MOST, MOST)[:, None]
    return np.hstack([np.sqrt(1 - x * x) * rows, x]).astype(np.float32)


def counts(of: Mapping[str, float]) -> Array:
    """How much of its hubness is taken off a row of each modality, as heads hold it, (2, 1)."""
    return np.array([[of[IMAGE]], [of[TEXT]]], np.float32)


def aim(width: int, weights: Mapping[str, Any]) -> dict[str, Array]:
    """The row (width,) whose numbers, but for zeros, what asks has in place of its own."""
    if not len(weights["hub.bank"]):
        return {}
    row = np.zeros(width, np.float32)
    row[-1] = AIM
    return {HUB: row}
