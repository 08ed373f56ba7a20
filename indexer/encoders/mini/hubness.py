"""Hubness: some rows are near to every query and would be found too often.

In high-dimensional spaces a few rows, the hubs, are among the nearest neighbours of very many
others (Radovanovic et al., 2010). A row's nearness to questions in general says nothing about one
particular query, so it is subtracted from the score, as in the inverted softmax (Smith et al.,
2017) and in CSLS (Conneau et al., 2018). The questions are captions of the training data and names
of classes; the heads hold k-means centres of captions, moved towards the mean of the names. The
hubness of a row is a column of its own, in which a query holds a constant: their product is then
the corrected score, and no index needs to know about it.

    h(v)  = 1/τ log sum_k s_k exp(τ b_k v)         b_k: centre of a share s_k of the questions
    x(v)  = -λ/β (h(v) - usual h),  clipped to ±`MOST_HUBNESS`
    row   = [sqrt(1 - x²) v, x]
    query = unit([q, β]),  so that the score grows with sqrt(1 - x²) q v - λ (h(v) - usual h)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from indexer.embedding import HUB, IMAGE, TEXT, Floats, Rows

SHARPNESS = 20.0  # τ: the larger, the more the nearest questions dominate
AIM = 0.3  # β: value of a query in the hubness column
COUNTS = {IMAGE: 0.5, TEXT: 0.3}  # λ: share of a row's hubness that is subtracted
MOST_HUBNESS = 0.5  # largest absolute value in the hubness column, of a row of length 1
HUB_WIDTH = 1  # columns
TINY = 1e-9  # least share of the questions, so that its logarithm is finite

HUB_PART: Mapping[str, tuple[int | str, ...]] = {
    "hub.bank": ("k", "v"),
    "hub.share": ("k",),
    "hub.usual": (2, "u"),
    "hub.counts": (2, "u"),
}


def hubness(rows: Rows, bank: Floats, share: Floats) -> Floats:
    """`h` of unit rows (n, v), shape (n,): their nearness to the centres of the questions."""
    near = SHARPNESS * (rows @ bank.T) + np.log(share.clip(TINY))
    nearest = near.max(axis=1, keepdims=True)
    summed: Floats = nearest[:, 0] + np.log(np.exp(near - nearest).sum(axis=1))
    return summed / np.float32(SHARPNESS)


def with_hubness(rows: Rows, modality: str, weights: Mapping[str, Any]) -> Rows:
    """Unit rows (n, v) with their hubness column, (n, v + 1); unchanged if there is no bank."""
    if not len(weights["hub.bank"]):
        return rows
    side = (IMAGE, TEXT).index(modality)
    usual, share = weights["hub.usual"][side], weights["hub.counts"][side]
    above = hubness(rows, weights["hub.bank"], weights["hub.share"]) - usual
    x = (-share / AIM * above).clip(-MOST_HUBNESS, MOST_HUBNESS)[:, None]
    return np.hstack([np.sqrt(1 - x * x) * rows, x]).astype(np.float32)


def counts(of: Mapping[str, float]) -> Floats:
    """Share of its hubness subtracted from a row of each modality, as heads store it, (2, 1)."""
    return np.array([[of[IMAGE]], [of[TEXT]]], np.float32)


def aim(width: int, weights: Mapping[str, Any]) -> dict[str, Floats]:
    """The row (width,), under `HUB`, whose non-zero values replace those of a query.

    Empty if the heads have no bank.
    """
    if not len(weights["hub.bank"]):
        return {}
    row = np.zeros(width, np.float32)
    row[-1] = AIM
    return {HUB: row}
