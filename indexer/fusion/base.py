"""The base of fusions, which turn the image and the caption embedding of a picture into one row.

A fusion has two sides. `pictures(v_i, v_t, has_caption)` makes the stored rows; `query(q, weight)`
makes the query row, so that `rows @ query`, centred and divided by `lengths`, is the score. The
score of a hit is always this re-scored value.

Centring: image and text embeddings lie in two separate cones (the modality gap: Liang et al.,
2022). Stored rows are never centred; instead the mean row of each kind is subtracted in the
scores, as one offset per query and kind. The two kinds are pictures with and without a caption.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Floats, Mask, Rows
from indexer.encoders.protocol import Encoder
from indexer.errors import InputError
from indexer.settings import DEFAULT_WEIGHT

Row: TypeAlias = Floats

OWN_MEANS_FROM = 1000  # rows of one kind from which a library's own mean replaces the default
ROOT = 2**0.5  # a Python number: numpy's own would turn float32 rows into float64
MEAN_FROM_ROWS = 32  # fewer rows give no usable mean or spread


@dataclass(frozen=True, slots=True)
class Centres:
    """Mean rows (width,) of pictures with and without a caption, and `means` of modalities.

    A query is centred on the mean (dim,) of its modality. A modality that was never measured is
    missing from `means`.
    """

    captioned: Row
    plain: Row
    means: Mapping[str, Row]


@dataclass(frozen=True, slots=True)
class RowSums:
    """Sums (width,) of the rows of pictures with and without a caption, and their counts.

    In float64 a sum of float16 rows is exact in any order.
    """

    captioned: NDArray[np.float64]
    plain: NDArray[np.float64]
    with_caption: int
    without_caption: int

    @classmethod
    def of(cls, rows: NDArray[np.floating], has_caption: Mask) -> RowSums:
        """Sum up rows (n, width)."""
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
    """One strategy of fusing; subclasses implement it."""

    name: str
    weighable: ClassVar[bool]  # whether a query can weigh pictures against captions

    @property
    def fingerprint(self) -> str:
        """An identifier of everything that the rows depend on, such as learned weights."""
        return self.name

    @property
    def content(self) -> bytes:
        """The file of the learned weights, for a library to keep; empty if it has none."""
        return b""

    @abstractmethod
    def width(self, dim: int) -> int:
        """Width of a stored row for embeddings of width `dim`."""

    @abstractmethod
    def pictures(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Rows:
        """Make the stored rows (n, width) of unit length; ignores `v_t` without a caption."""

    @abstractmethod
    def query(self, q: Row, weight: float = DEFAULT_WEIGHT) -> Row:
        """Make the query row (width,) of an embedding `q` (dim,), or many rows of many.

        `weight`: 1 is the picture alone, 0 the caption alone. Raises `InputError` if this fusion
        cannot be weighed.
        """

    parts: ClassVar[int] = 1  # equal pieces of a row; a query may need only one of them
    measured: ClassVar[int] = 0  # numbers per row that determine its length

    def measures(self, rows: Rows) -> Floats:
        """The numbers (measured, n) that, with the weight, determine the lengths of rows."""
        return np.zeros((self.measured, len(rows)), np.float32)

    @abstractmethod
    def lengths_of(self, measures: Floats, weight: float = DEFAULT_WEIGHT) -> Floats | None:
        """Lengths (n,) of rows at a weight, from their `measures`; None if all are 1."""

    def lengths(self, rows: Rows, weight: float = DEFAULT_WEIGHT) -> Floats:
        """Lengths (n,), by which `rows @ query` is divided; 0 for a row that cannot match."""
        lengths = self.lengths_of(self.measures(rows), weight)
        return np.ones(len(rows), np.float32) if lengths is None else lengths

    @abstractmethod
    def centres_of(self, sums: RowSums, means: Mapping[str, Row]) -> Centres:
        """Mean rows of both kinds: from the sums of all rows, or from `means` if rows are few."""

    @abstractmethod
    def plain_gain(
        self,
        rows: NDArray[np.floating],
        centres: Centres,
        queries: Rows,
        weight: float,
        measures: Floats | None = None,
    ) -> Row:
        """Factors (m,) for scores of pictures without a caption, so that both kinds rank fairly.

        `rows` (float32 or float16) are a sample of pictures with a caption, and `measures` theirs,
        if known. Fused scores have another spread than scores of the picture alone; the factor is
        the ratio of the two spreads, for each of the `queries` (m, width).
        """

    def halves(
        self, v_i: Rows, v_t: Rows, has_caption: Mask, weight: float, centres: Centres
    ) -> tuple[Rows, Rows] | None:
        """Rows (n, dim) of picture and caption whose products with `q` add up to the score.

        None if the score is not such a sum. Rows without a caption are returned before the gain is
        applied.
        """
        return None

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise `InputError` if this fusion does not fit the encoder; most fit any."""
        return

    def check_weight(self, weight: float) -> None:
        """Raise `InputError` for a weight that this fusion does not support."""
        if not 0 <= weight <= 1:
            raise InputError(f"weight {weight} is not between 0 (caption) and 1 (picture)")
        if not self.weighable and weight != DEFAULT_WEIGHT:
            raise InputError(
                f"the fusion {self.name!r} has its weight built in and takes only "
                f"{DEFAULT_WEIGHT}; to set a weight, run 'picfuse index --fusion concat'"
            )


class FixedWeightFusion(Fusion):
    """A fusion into the space of the embeddings: rows (n, dim) that match a query unchanged."""

    weighable = False

    @property
    def gain(self) -> float:
        """The factor for scores of pictures without a caption, for any query."""
        return 1.0

    def width(self, dim: int) -> int:
        return dim

    def query(self, q: Row, weight: float = DEFAULT_WEIGHT) -> Row:
        self.check_weight(weight)
        return np.asarray(q, dtype=np.float32)

    def lengths_of(self, measures: Floats, weight: float = DEFAULT_WEIGHT) -> Floats | None:
        return None

    def plain_gain(
        self,
        rows: NDArray[np.floating],
        centres: Centres,
        queries: Rows,
        weight: float,
        measures: Floats | None = None,
    ) -> Row:
        return np.full(len(queries), self.gain, np.float32)


def own_mean(total: NDArray[np.float64], count: int, default: Row | None) -> Row:
    """Mean of `count` rows from their sum (width,); the default, or zero, if they are few."""
    if count >= (OWN_MEANS_FROM if default is not None else MEAN_FROM_ROWS):
        return np.asarray(total / count, dtype=np.float32)
    return np.zeros(len(total), np.float32) if default is None else default


def spread_ratio(fused: NDArray[np.floating], alone: NDArray[np.floating]) -> Row:
    """Ratio (m,) of the standard deviations of two sets of scores (n, m).

    It is 1 if there are too few scores, or if all are equal.
    """
    if len(fused) < MEAN_FROM_ROWS:
        return np.ones(fused.shape[1], np.float32)
    spreads = [np.maximum(scores.std(axis=0), 1e-6) for scores in (fused, alone)]
    return np.asarray(spreads[0] / spreads[1], dtype=np.float32)
