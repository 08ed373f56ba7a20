"""Fusion: the image and the caption embedding of a picture become one row.

A fusion has two sides. `pictures(v_i, v_t, has_caption)` makes the rows that are stored;
`query(q, weight)` makes the row that is asked with, so that `rows @ query`, centred and divided
by `lengths`, is the score. The score of a hit is always this re-scored value.

Centring: image and text embeddings sit in two separate cones (the modality gap: Liang et al.,
2022). Stored rows are never centred; the mean of each kind of row is taken off its scores, which
is an offset per query and kind. Two kinds exist: pictures with a caption and pictures without.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.encoders.protocol import Encoder
from indexer.errors import InputError
from indexer.settings import DEFAULT_WEIGHT as DEFAULT_WEIGHT

Mask = NDArray[np.bool_]
Row = NDArray[np.float32]

OWN_MEANS_FROM = 1000  # pictures of a modality from which a library's own mean replaces the default
ROOT = 2**0.5  # a Python number: numpy's own would turn float32 rows into float64
MEAN_FROM_ROWS = 32  # below this a mean or a spread says nothing


@dataclass(frozen=True, slots=True)
class Centres:
    """Mean rows (width,) of pictures with and without a caption; `means` of both modalities.

    The means (dim,) are what a query of that modality is centred by; where nothing is known of
    a modality it has none.
    """

    captioned: Row
    plain: Row
    means: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class RowSums:
    """The sums (width,) of the rows of pictures with and without a caption, and their numbers.

    In float64 the sum of float16 rows is exact, whatever the order of adding.
    """

    captioned: NDArray[np.float64]
    plain: NDArray[np.float64]
    with_caption: int
    without_caption: int

    @classmethod
    def of(cls, rows: NDArray[np.floating], has_caption: Mask) -> RowSums:
        """The sums of rows (n, width)."""
        captioned = rows[has_caption].sum(axis=0, dtype=np.float64)
        plain = rows[~has_caption].sum(axis=0, dtype=np.float64)
        return cls(captioned, plain, int(has_caption.sum()), int((~has_caption).sum()))

    def __add__(self, other: RowSums) -> RowSums:
        return RowSums(
            self.captioned + other.captioned,
            self.plain + other.plain,
            self.with_caption + other.with_caption,
            self.without_caption + other.without_caption,
        )

    def __sub__(self, other: RowSums) -> RowSums:
        return RowSums(
            self.captioned - other.captioned,
            self.plain - other.plain,
            self.with_caption - other.with_caption,
            self.without_caption - other.without_caption,
        )


class Fusion(ABC):
    """One strategy; `fingerprint` covers its learned weights, where it has any."""

    name: str
    weighable: ClassVar[bool]  # whether picture against caption is chosen by the query

    @property
    def fingerprint(self) -> str:
        """What rows of this fusion depend on."""
        return self.name

    @property
    def content(self) -> bytes:
        """The file of its learned weights, for a library to keep; empty where it has none."""
        return b""

    @abstractmethod
    def width(self, dim: int) -> int:
        """Width of a stored row for embeddings of width `dim`."""

    @abstractmethod
    def pictures(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Rows:
        """Stored rows (n, width), unit length; `v_t` counts only where `has_caption`."""

    @abstractmethod
    def query(self, q: Row, weight: float = DEFAULT_WEIGHT) -> Row:
        """The row (width,) that asks with the embedding `q` (dim,); many rows for many.

        `weight`: 1 is the picture alone, 0 the caption alone. Raises `InputError` when this
        fusion cannot be weighed.
        """

    parts: ClassVar[int] = 1  # pieces of a row of which a query may need one alone
    measured: ClassVar[int] = 0  # numbers of each row that its length depends on

    def measures(self, rows: Rows) -> NDArray[np.float32]:
        """What the lengths of rows depend on beside the weight, (measured, n)."""
        return np.zeros((self.measured, len(rows)), np.float32)

    @abstractmethod
    def lengths_of(
        self, measures: NDArray[np.float32], weight: float = DEFAULT_WEIGHT
    ) -> NDArray[np.float32] | None:
        """What products are divided by, (n,), from what was measured; None where all are 1."""

    def lengths(self, rows: Rows, weight: float = DEFAULT_WEIGHT) -> NDArray[np.float32]:
        """What the products `rows @ query` are divided by, (n,); 0 where a row cannot answer."""
        found = self.lengths_of(self.measures(rows), weight)
        return np.ones(len(rows), np.float32) if found is None else found

    def centres(self, rows: Rows, has_caption: Mask, means: Mapping[str, Row]) -> Centres:
        """Mean rows of both kinds: measured on `rows` where there are enough, else from `means`."""
        return self.centres_of(RowSums.of(rows, has_caption), means)

    @abstractmethod
    def centres_of(self, sums: RowSums, means: Mapping[str, Row]) -> Centres:
        """Mean rows of both kinds, from the sums of all rows or from `means`."""

    @abstractmethod
    def plain_gain(
        self,
        rows: NDArray[np.floating],
        centres: Centres,
        queries: Rows,
        weight: float,
        measures: NDArray[np.float32] | None = None,
    ) -> Row:
        """What scores of pictures without a caption are multiplied by, to rank fairly.

        `rows` are pictures with a caption, in float32 or float16, and `measures` what was measured
        of them, where it is known. Their fused scores spread otherwise than those of the
        picture alone would; the gain is the ratio of the two spreads for each of the `queries`
        (m, width), shape (m,).
        """

    def halves(
        self, v_i: Rows, v_t: Rows, has_caption: Mask, weight: float, centres: Centres
    ) -> tuple[Rows, Rows] | None:
        """Rows (n, dim) of picture and caption whose products with `q` sum up to the score.

        None for a fusion whose score is no such sum. What is without a caption is before any gain.
        """
        return None

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise `InputError` for an encoder whose rows this fusion cannot fuse; most fuse any."""
        return

    def check_weight(self, weight: float) -> None:
        """Raise `InputError` for a weight that this fusion cannot serve."""
        if not 0 <= weight <= 1:
            raise InputError(f"weight {weight} is not between 0 (caption) and 1 (picture)")
        if not self.weighable and weight != DEFAULT_WEIGHT:
            raise InputError(
                f"the fusion {self.name!r} has its weight built in and takes none but "
                f"{DEFAULT_WEIGHT}; 'picfuse index --fusion concat' makes the library weighable"
            )


class FixedWeightFusion(Fusion):
    """A fusion into the space of the embeddings: rows (n, dim) that a query asks as it is."""

    weighable = False

    def width(self, dim: int) -> int:
        return dim

    def query(self, q: Row, weight: float = DEFAULT_WEIGHT) -> Row:
        self.check_weight(weight)
        return np.asarray(q, dtype=np.float32)

    def lengths_of(
        self, measures: NDArray[np.float32], weight: float = DEFAULT_WEIGHT
    ) -> NDArray[np.float32] | None:
        return None


def own_mean(total: NDArray[np.float64], count: int, default: Row | None) -> Row:
    """Mean of rows, from their sum (width,), where they are many, else the default, else zero."""
    if count >= (OWN_MEANS_FROM if default is not None else MEAN_FROM_ROWS):
        return np.asarray(total / count, dtype=np.float32)
    return np.zeros(len(total), np.float32) if default is None else default


def spread_ratio(fused: NDArray[np.floating], alone: NDArray[np.floating]) -> Row:
    """Ratio of the standard deviations of two sets of scores (n, m), shape (m,).

    It is 1 where there are too few scores to tell, or where all are alike.
    """
    if len(fused) < MEAN_FROM_ROWS:
        return np.ones(fused.shape[1], np.float32)
    spreads = [np.maximum(found.std(axis=0), 1e-6) for found in (fused, alone)]
    return np.asarray(spreads[0] / spreads[1], dtype=np.float32)
