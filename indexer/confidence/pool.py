"""The captioned pictures that a calibration searches for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from indexer.embedding import Ints, Rows


@dataclass(frozen=True, slots=True)
class Pool:
    """Pictures `v_i` (n, dim) with all their captions: `v_t` (m, dim) and `texts`.

    The captions of picture k are the rows from `starts[k]` to `starts[k + 1]`, at least one.
    """

    v_i: Rows
    v_t: Rows
    texts: tuple[str, ...]
    starts: Ints

    def __len__(self) -> int:
        return len(self.v_i)

    @property
    def counts(self) -> Ints:
        """The number of captions of each picture, (n,)."""
        return np.diff(self.starts)

    def captions(self, picture: int) -> Ints:
        """Rows of `v_t` of a picture's captions."""
        return np.arange(self.starts[picture], self.starts[picture + 1])

    def take(self, pictures: Ints) -> Pool:
        """Return the pool of some pictures, in the given order."""
        rows = np.concatenate([np.zeros(0, np.int64), *(self.captions(k) for k in pictures)])
        starts = np.concatenate([[0], np.cumsum(self.counts[pictures])]).astype(np.int64)
        texts = tuple(self.texts[row] for row in rows)
        return Pool(self.v_i[pictures], self.v_t[rows], texts, starts)
