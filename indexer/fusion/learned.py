"""What learned fusions share: rows in the retrieval space, made by trained weights for one encoder.

The formulas run on numpy rows when fusing and on torch tensors when training: both know `@`, `+`,
`*` and `clip`. What a row lacks (a picture without a caption, a caption without a picture) is a
zero row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from indexer.decoupling import Array, Arrays, Joined
from indexer.embedding import Rows, same_space, unit_rows
from indexer.encoders.protocol import Encoder
from indexer.errors import InputError
from indexer.fusion.base import Centres, FixedWeightFusion, Mask, Row, RowSums, own_mean
from indexer.fusion.weights import Axes, FusionWeights, check_shapes, read_weights

SHORTEST_DIRECTION = (
    1e-4  # length below which a row points at random: the picture alone takes its place
)

SHAPES: dict[str, Axes] = {  # d = dim
    "centre_captioned": ("d",),
    "centre_plain": ("d",),
    "gain": (1,),
}


class Learned(FixedWeightFusion):
    """A fusion with trained weights: rows of shape (n, dim), `unit(fused(v_i, v_t))`.

    Centres and gain come from the training too: from few pictures they could not be told.
    """

    strategy: ClassVar[str]
    shapes: ClassVar[Mapping[str, Axes]]

    def __init__(self, weights: FusionWeights, name: str | None = None) -> None:
        """Raises `ModelError` when the weights are not those of this strategy, or damaged."""
        check_shapes(weights, self.strategy, SHAPES | dict(self.shapes))
        self.name = name or self.strategy
        self.weights = weights

    @classmethod
    def read(cls, path: Path, name: str | None = None) -> Self:
        """The fusion whose weights are in a file. Raises `ModelError`."""
        return cls(read_weights(path), name)

    @staticmethod
    @abstractmethod
    def fused(v_i: Array, v_t: Array, tensors: Arrays, join: Joined) -> Array:
        """The formula, (n, dim), before it is brought to unit length; what is absent is zero."""

    @property
    def fingerprint(self) -> str:
        return f"{self.strategy} {self.weights.hash}"

    @property
    def content(self) -> bytes:
        return self.weights.content

    def check_encoder(self, encoder: Encoder) -> None:
        if not same_space(encoder.fingerprint, self.weights.encoder):
            raise InputError(
                f"the fusion {self.name!r} was trained for {self.weights.encoder_name!r} "
                f"({self.weights.encoder[:8]}) and does not fit {encoder.name!r} "
                f"({encoder.fingerprint[:8]}); use another one (--fusion concat), or train one: "
                f"'picfuse train fusion DATASET --model {encoder.name} --fusion {self.strategy}'"
            )

    def pictures(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Rows:
        said = np.where(has_caption[:, None], v_t, np.float32(0))
        rows = self.fused(v_i, said, self.weights.tensors, np.concatenate)
        nothing = np.linalg.norm(rows, axis=1, keepdims=True) < SHORTEST_DIRECTION
        return unit_rows(np.where(nothing, v_i, rows))

    def centres_of(self, sums: RowSums, means: Mapping[str, Row]) -> Centres:
        known = self.weights.tensors
        captioned = own_mean(sums.captioned, sums.with_caption, known["centre_captioned"])
        plain = own_mean(sums.plain, sums.without_caption, known["centre_plain"])
        return Centres(captioned, plain, means)

    def plain_gain(
        self,
        rows: NDArray[np.floating],
        centres: Centres,
        queries: Rows,
        weight: float,
        measures: NDArray[np.float32] | None = None,
    ) -> Row:
        return np.full(len(queries), self.weights.tensors["gain"][0], np.float32)
