"""`mean`: the direction halfway between both embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from indexer.embedding import IMAGE, TEXT, Mask, Rows, unit_rows
from indexer.fusion.base import Centres, FixedWeightFusion, Row, RowSums, own_mean


class Mean(FixedWeightFusion):
    """`unit(v_i + v_t)`, shape (n, dim); `v_i` without a caption. The query is `q`."""

    name = "mean"

    def pictures(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Rows:
        return unit_rows(v_i + np.where(has_caption[:, None], v_t, 0))

    def centres_of(self, sums: RowSums, means: Mapping[str, Row]) -> Centres:
        m_i, m_t = means.get(IMAGE), means.get(TEXT)
        both = None
        if m_i is not None and m_t is not None:  # the expected row of an unrelated pair
            both = (m_i + m_t) / np.sqrt(2 + 2 * m_i @ m_t)
        captioned = own_mean(sums.captioned, sums.with_caption, both)
        return Centres(captioned, own_mean(sums.plain, sums.without_caption, m_i), means)

    def halves(
        self, v_i: Rows, v_t: Rows, has_caption: Mask, weight: float, centres: Centres
    ) -> tuple[Rows, Rows]:
        """Split each row, and the mean row of its kind, into the two sides.

        The mean row of captioned pictures is that of sums: each side gets its known mean, as if
        picture and caption were unrelated, and half of the rest.
        """
        captions = np.where(has_caption[:, None], v_t, 0)
        lengths = np.maximum(np.linalg.norm(v_i + captions, axis=1, keepdims=True), 1e-12)
        zero = np.zeros(v_i.shape[1], np.float32)
        m_i, m_t = (centres.means.get(kind, zero) for kind in (IMAGE, TEXT))
        scale = np.sqrt(2 + 2 * m_i @ m_t)
        rest = (centres.captioned - (m_i + m_t) / scale) / 2
        c_i = np.where(has_caption[:, None], m_i / scale + rest, centres.plain)
        c_t = np.where(has_caption[:, None], m_t / scale + rest, 0)
        return v_i / lengths - c_i, captions / lengths - c_t
