"""The base of learned fusions: trained weights for one encoder make rows in its space.

The formulas run on numpy rows when fusing and on torch tensors when training: both support `@`,
`+`, `*` and `clip`. A missing side (no caption, or no picture) is a zero row.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from indexer.decoupling import Array, Arrays, Joined
from indexer.embedding import Mask, Rows, same_space, unit_rows
from indexer.encoders.protocol import Encoder
from indexer.errors import InputError
from indexer.fusion.base import Centres, FixedWeightFusion, Row, RowSums, own_mean
from indexer.fusion.weights import Axes, FusionWeights, check_shapes, read_weights

# A shorter row has a random direction; the picture's own row replaces it.
SHORTEST_DIRECTION = 1e-4

SHAPES: dict[str, Axes] = {  # d = dim
    "centre_captioned": ("d",),
    "centre_plain": ("d",),
    "gain": (1,),
}


class Learned(FixedWeightFusion):
    """A fusion with trained weights: rows of shape (n, dim), `unit(fused(v_i, v_t))`.

    Centres and gain are trained too, since a few pictures would not determine them.
    """

    strategy: ClassVar[str]
    shapes: ClassVar[Mapping[str, Axes]]

    def __init__(self, weights: FusionWeights, name: str | None = None) -> None:
        """Raise `ModelError` if the weights belong to another strategy or are damaged."""
        check_shapes(weights, self.strategy, SHAPES | dict(self.shapes))
        self.name = name or self.strategy
        self.weights = weights

    @classmethod
    def read(cls, path: Path, name: str | None = None) -> Self:
        """Read the fusion in a file. Raises `ModelError`."""
        return cls(read_weights(path), name)

    @staticmethod
    @abstractmethod
    def fused(v_i: Array, v_t: Array, tensors: Arrays, join: Joined) -> Array:
        """The formula: rows (n, dim) before normalisation; a missing side is zero."""

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
        captions = np.where(has_caption[:, None], v_t, np.float32(0))
        rows = self.fused(v_i, captions, self.weights.tensors, np.concatenate)
        too_short = np.linalg.norm(rows, axis=1, keepdims=True) < SHORTEST_DIRECTION
        return unit_rows(np.where(too_short, v_i, rows))

    def centres_of(self, sums: RowSums, means: Mapping[str, Row]) -> Centres:
        known = self.weights.tensors
        captioned = own_mean(sums.captioned, sums.with_caption, known["centre_captioned"])
        plain = own_mean(sums.plain, sums.without_caption, known["centre_plain"])
        return Centres(captioned, plain, means)

    @property
    def gain(self) -> float:
        return float(self.weights.tensors["gain"][0])
