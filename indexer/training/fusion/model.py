"""A learned fusion while it is trained: the tensors of its file as parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indexer.fusion import learned_class
from indexer.fusion.learned import SHAPES
from indexer.fusion.weights import FusionWeights

SPREAD = 0.2  # of the initial task projections, around gates that are all open


class FusionModel(nn.Module):
    """The formula of a learned fusion on tensors; it starts as `mean`."""

    def __init__(self, strategy: str, tensors: Mapping[str, Tensor], temperature: float) -> None:
        super().__init__()
        self.fused = learned_class(strategy).fused
        self.tensors = nn.ParameterDict(tensors)
        self.scale = torch.tensor(1 / temperature)

    @classmethod
    def of(cls, weights: FusionWeights) -> FusionModel:
        """The model of a fusion file."""
        kept = {k: torch.from_numpy(t) for k, t in weights.tensors.items() if k not in SHAPES}
        return cls(weights.strategy, kept, 1.0)

    def forward(self, v_i: Tensor, v_t: Tensor) -> Tensor:
        """Unit rows (n, dim); rows of an absent modality are zero."""
        fused: Tensor = self.fused(v_i, v_t, dict(self.tensors.items()), torch.cat)
        return functional.normalize(fused, dim=-1)

    def exported(self) -> dict[str, NDArray[np.float32]]:
        """The tensors as numpy arrays."""
        return {name: t.detach().cpu().numpy().copy() for name, t in self.tensors.items()}


def initial_tensors(strategy: str, dim: int) -> dict[str, Tensor]:
    """Initial tensors of a strategy, with which it fuses as `mean` does."""
    if strategy == "product":
        return _initial_product(dim)
    spread = SPREAD * torch.randn(2, dim, dim)
    return {
        "image_task": spread[0],
        "image_bias": torch.ones(dim),
        "text_task": spread[1],
        "text_bias": torch.ones(dim),
        "output": torch.zeros(2 * dim, dim),
    }


def _initial_product(dim: int) -> dict[str, Tensor]:
    """Initial tensors of `product`: exactly the mean, as long as `s v` is below 1.

    With `P(v) = [1 + s v, 1 - s v]`, `output` computes
    `(1 + s v_i)(1 + s v_t) - (1 - s v_i)(1 - s v_t)`, which is `2 s (v_i + v_t)`.
    """
    s = SPREAD * dim**0.5
    both = torch.cat([torch.eye(dim), -torch.eye(dim)], dim=1)
    return {
        "image_positive": s * both,
        "image_bias": torch.ones(2 * dim),
        "text_positive": s * both,
        "text_bias": torch.ones(2 * dim),
        "output": both.T / (2 * s),
    }
