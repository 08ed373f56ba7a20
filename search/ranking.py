"""Ranking: the score of every stored row for one query, and the best k of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.encoders import Rows
from indexer.fusion import Centres, Fusion

SAMPLE = 2000  # captioned pictures whose scores tell how wide fused scores spread
Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Fused rows (n, width) of pictures, which of them have a caption, and their centres."""

    rows: Rows
    has_caption: NDArray[np.bool_]
    centres: Centres
    fusion: Fusion

    @classmethod
    def of(
        cls,
        rows: Rows,
        has_caption: NDArray[np.bool_],
        fusion: Fusion,
        means: Mapping[str, NDArray[np.float32]],
    ) -> StoredRows:
        """The rows with their centres; `means` are the encoder's, by modality."""
        return cls(rows, has_caption, fusion.centres(rows, has_caption, means), fusion)


def scores(stored: StoredRows, q: NDArray[np.float32], weight: float) -> Scores:
    """The re-scored value of every row: exact, by a scan; -inf where a row cannot answer.

    `q`: a centred unit row (dim,), for scores (n,); or many (m, dim), for scores (m, n). The
    product with the query is taken from each kind's centre and divided by the length of the
    weighted pair; scores without a caption are spread as far as fused ones, so that both kinds
    rank fairly in one list.
    """
    fusion, has_caption = stored.fusion, stored.has_caption
    queries = np.atleast_2d(fusion.query(q, weight))
    centres = np.stack([stored.centres.plain, stored.centres.captioned])
    offsets = (queries @ centres.T)[:, has_caption.astype(np.intp)]  # (m, n)
    lengths = fusion.lengths(stored.rows, weight)
    found: Scores = queries @ stored.rows.T
    found -= offsets
    found /= np.maximum(lengths, 1e-6)
    if 0 < weight < 1 and not has_caption.all():
        found[:, ~has_caption] *= plain_gain(stored, queries, weight)[:, None]
    found[:, lengths <= 1e-6] = -np.inf
    one: Scores = found[0]
    return one if q.ndim == 1 else found


def plain_gain(stored: StoredRows, queries: Rows, weight: float) -> Scores:
    """The gain of pictures without a caption, measured on a fixed sample of those with one."""
    captioned = np.flatnonzero(stored.has_caption)
    step = max(1, len(captioned) // SAMPLE)
    sample = stored.rows[captioned[::step]]
    return stored.fusion.plain_gain(sample, stored.centres, queries, weight)


def best(found: Scores, k: int) -> NDArray[np.int64]:
    """Positions of the k highest finite scores, best first; equal scores in order of position."""
    k = min(k, len(found))
    if k <= 0:
        return np.zeros(0, np.int64)
    floor = np.partition(found, len(found) - k)[len(found) - k]
    candidates = np.flatnonzero((found >= floor) & np.isfinite(found))
    order = np.argsort(-found[candidates], kind="stable")
    return candidates[order][:k]
