"""`mean`: the direction halfway between both embeddings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.protocol import IMAGE, TEXT, Rows, unit_rows
from indexer.fusion.base import Centres, Mask, Row, RowSums, Unweighed, own_mean


class Mean(Unweighed):
    """`norm(v_i + v_t)`, shape (n, dim); `v_i` where there is no caption. The query is `q`."""

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

    def plain_gain(
        self,
        rows: NDArray[np.floating],
        centres: Centres,
        queries: Rows,
        weight: float,
        measures: NDArray[np.float32] | None = None,
    ) -> Row:
        return np.ones(len(queries), np.float32)
