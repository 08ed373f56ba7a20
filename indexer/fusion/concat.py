"""`concat`: both embeddings side by side; each query chooses how much either counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.protocol import IMAGE, TEXT, Rows, unit_rows
from indexer.fusion.base import (
    DEFAULT_WEIGHT,
    ROOT,
    Centres,
    Fusion,
    Mask,
    Row,
    own_mean,
    spread_ratio,
)


class Concat(Fusion):
    """`v_c = [v_i, v_t]`, shape (n, 2 dim), scaled to unit length; the query is `[a q, b q]`.

    The score is `cos(q, a v_i + b v_t)`: the product divided by the length of the weighted pair,
    which the row itself knows. Without a caption `v_t` is zero and the score `cos(q, v_i)`.
    """

    name = "concat"
    weighable = True

    def width(self, dim: int) -> int:
        return 2 * dim

    def pictures(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Rows:
        return unit_rows(np.concatenate([v_i, np.where(has_caption[:, None], v_t, 0)], axis=1))

    def query(self, q: Row, weight: float = DEFAULT_WEIGHT) -> Row:
        self.check_weight(weight)
        return np.concatenate([weight * q, (1 - weight) * q], axis=-1).astype(np.float32)

    def lengths(self, rows: Rows, weight: float = DEFAULT_WEIGHT) -> NDArray[np.float32]:
        a, b = weight, 1 - weight
        r_i, r_t = np.split(rows, 2, axis=1)
        t_t = np.einsum("nd,nd->n", r_t, r_t)
        i_t = np.einsum("nd,nd->n", r_i, r_t)
        squares = a * a * (1 - t_t) + b * b * t_t + 2 * a * b * i_t
        return np.asarray(np.sqrt(np.maximum(squares, 0)), dtype=np.float32)

    def centres(self, rows: Rows, has_caption: Mask, means: Mapping[str, Row]) -> Centres:
        dim = rows.shape[1] // 2
        captioned = rows[has_caption]
        # A captioned row holds both halves scaled by 1/sqrt(2).
        images = np.concatenate([captioned[:, :dim] * ROOT, rows[~has_caption][:, :dim]])
        m_i = own_mean(images, means.get(IMAGE))
        m_t = own_mean(captioned[:, dim:] * ROOT, means.get(TEXT))
        both = np.concatenate([m_i, m_t]) / ROOT
        known = {IMAGE: m_i, TEXT: m_t}
        return Centres(both.astype(np.float32), np.concatenate([m_i, 0 * m_i]), known)

    def plain_gain(self, rows: Rows, centres: Centres, queries: Rows, weight: float) -> Row:
        dim = rows.shape[1] // 2
        centred = rows - centres.captioned
        fused = centred @ queries.T / np.maximum(self.lengths(rows, weight), 1e-6)[:, None]
        alone = centred[:, :dim] @ queries[:, :dim].T * (ROOT / max(weight, 1e-6))
        return spread_ratio(fused, alone)
