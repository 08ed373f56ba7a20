"""`concat`: both embeddings side by side; each query chooses the weight of either."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from indexer.dot_products import product
from indexer.embedding import IMAGE, TEXT, Floats, Mask, Rows, unit_rows
from indexer.fusion.base import ROOT, Centres, Fusion, Row, RowSums, own_mean, spread_ratio
from indexer.settings import DEFAULT_WEIGHT


class Concat(Fusion):
    """`v_c = [v_i, v_t]`, shape (n, 2 dim), scaled to unit length; the query is `[a q, b q]`.

    The score is `cos(q, a v_i + b v_t)`: the product divided by the length of the weighted pair,
    which the row determines. Without a caption `v_t` is zero and the score is `cos(q, v_i)`.
    """

    name = "concat"
    weighable = True
    parts = 2
    measured = 3

    def width(self, dim: int) -> int:
        return 2 * dim

    def pictures(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Rows:
        return unit_rows(np.concatenate([v_i, np.where(has_caption[:, None], v_t, 0)], axis=1))

    def query(self, q: Row, weight: float = DEFAULT_WEIGHT) -> Row:
        self.check_weight(weight)
        return np.concatenate([weight * q, (1 - weight) * q], axis=-1).astype(np.float32)

    def measures(self, rows: Rows) -> Floats:
        r_i, r_t = np.split(rows, 2, axis=1)
        pairs = ((r_t, r_t), (r_i, r_t), (r_i, r_i))  # rounded rows are not exactly of unit length
        return np.stack([np.einsum("nd,nd->n", one, other) for one, other in pairs])

    def lengths_of(self, measures: Floats, weight: float = DEFAULT_WEIGHT) -> Floats:
        a, b = weight, 1 - weight
        t_t, i_t, i_i = measures
        squares = a * a * i_i + b * b * t_t + 2 * a * b * i_t
        return np.asarray(np.sqrt(np.maximum(squares, 0)), dtype=np.float32)

    def centres_of(self, sums: RowSums, means: Mapping[str, Row]) -> Centres:
        dim, both = len(sums.plain) // 2, sums.with_caption
        # A captioned row holds both halves scaled by 1/sqrt(2).
        images = sums.captioned[:dim] * ROOT + sums.plain[:dim]
        m_i = own_mean(images, both + sums.without_caption, means.get(IMAGE))
        m_t = own_mean(sums.captioned[dim:] * ROOT, both, means.get(TEXT))
        captioned = np.concatenate([m_i, m_t]) / ROOT
        known = {**means, IMAGE: m_i, TEXT: m_t}
        return Centres(captioned.astype(np.float32), np.concatenate([m_i, 0 * m_i]), known)

    def halves(
        self, v_i: Rows, v_t: Rows, has_caption: Mask, weight: float, centres: Centres
    ) -> tuple[Rows, Rows]:
        rows = self.pictures(v_i, v_t, has_caption)
        lengths = np.maximum(self.lengths(rows, weight), 1e-6)[:, None]
        centred = rows - np.where(has_caption[:, None], centres.captioned, centres.plain)
        r_i, r_t = np.split((centred / lengths).astype(np.float32), 2, axis=1)
        a, b = np.float32(weight), np.float32(1 - weight)
        return a * r_i, b * r_t

    def plain_gain(
        self,
        rows: NDArray[np.floating],
        centres: Centres,
        queries: Rows,
        weight: float,
        measures: Floats | None = None,
    ) -> Row:
        dim = rows.shape[1] // 2
        if measures is None:
            measures = self.measures(rows.astype(np.float32))
        images, texts = (product(rows[:, part], queries[:, part]).T for part in np.s_[:dim, dim:])
        lengths = self.lengths_of(measures, weight)
        fused = (images + texts - queries @ centres.captioned) / np.maximum(lengths, 1e-6)[:, None]
        return spread_ratio(fused, images * (ROOT / max(weight, 1e-6)))
