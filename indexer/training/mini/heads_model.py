"""Heads and a tail of the built-in model in training: the heads file as parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from indexer.encoders.mini.heads import (
    POOLED,
    TRUNK,
    WORDS,
    class_branch,
    class_evidence,
    head,
    standardised,
)
from indexer.training.halves import halves
from indexer.training.mini.features import Maps

TAIL_BATCH = 25  # pictures that run through the tail together
SPREAD_FLOOR = 1e-3  # added to the spread of a feature
TAIL_SPREAD_FLOOR = 1e-2  # the same, for a tail's features, whose spread may grow in training
INITIAL_SCALE = 0.1  # of the weights: small ones learn more from common patterns
CLASS_WEIGHT = 60.0  # the class-name branch decides where the classifier is sure


@dataclass(frozen=True, slots=True)
class HeadSizes:
    """Width of the space, hidden units of each head, and the share of these that a step drops.

    The heads learn in the full width; in the end `classes` plus `sense` of its columns, and one
    more, belong to the other parts.
    """

    dim: int = 512
    classes: int = 192
    sense: int = 127
    image_hidden: int = 1024
    text_hidden: int = 2048
    image_dropout: float = 0.8
    text_dropout: float = 0.2


class Head(nn.Module):
    """The weights of `head`, under the names of the heads file."""

    def __init__(
        self, side: str, width: int, hidden: int, dropout: float, sizes: HeadSizes
    ) -> None:
        super().__init__()
        self.side, self.dropout, dim = side, dropout, sizes.dim
        self.linear = nn.Parameter(INITIAL_SCALE * torch.randn(width, dim) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(dim))
        self.inner = nn.Parameter(torch.randn(width, hidden) * width**-0.5)
        self.inner_bias = nn.Parameter(torch.zeros(hidden))
        self.outer = nn.Parameter(INITIAL_SCALE * torch.randn(hidden, dim) * hidden**-0.5)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def standardise(self, features: Tensor, floor: Tensor | float = SPREAD_FLOOR) -> None:
        """Set mean and scale from training features, so that these have mean 0 and spread 1.

        `floor` is added to the spread, so that features which hardly vary are not amplified.
        """
        self.mean = features.mean(0)
        self.scale = 1 / (features.std(0, correction=0) + floor)

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, width) to rows (n, dim), not yet of unit length."""
        weights = {f"{self.side}.{name}": tensor for name, tensor in self.tensors().items()}
        drop = nn.Dropout(self.dropout).train(self.training)
        projected: Tensor = head(
            standardised(features, self.side, weights), self.side, weights, drop
        )
        return projected

    def tensors(self) -> dict[str, Tensor]:
        """All tensors of this head by name."""
        return dict(self.named_parameters()) | dict(self.named_buffers())


class Heads(nn.Module):
    """Both heads, the class-name branch, the temperature, and the tail that is trained with them.

    The heads standardise by features of training data: `images` (n, 10064) and `captions` (m, w).
    """

    def __init__(self, tail: nn.Module, images: Tensor, captions: Tensor, sizes: HeadSizes) -> None:
        super().__init__()
        self.tail = tail
        wide, words = images.shape[1], captions.shape[1]
        self.image = Head("image", wide, sizes.image_hidden, sizes.image_dropout, sizes)
        self.text = Head("text", words, sizes.text_hidden, sizes.text_dropout, sizes)
        with torch.no_grad():
            self.image.standardise(images, _spread_floors(wide, slice(TRUNK, POOLED)))
            self.text.standardise(captions, _spread_floors(words, slice(WORDS, None)))
        self.class_weight = nn.Parameter(torch.full((1,), CLASS_WEIGHT))
        self.temperature = nn.Parameter(torch.tensor(0.07).log())

    def images(self, features: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """`v_i` (n, dim) and the class probabilities (n, 1000) of image features."""
        probabilities = class_evidence(features)
        weights = {"class_weight": self.class_weight, "classes": classes}
        rows = self.image(features) + class_branch(probabilities, weights)
        return functional.normalize(rows, dim=-1), probabilities

    def texts(self, features: Tensor) -> Tensor:
        """`v_t` (n, dim) of text features."""
        return functional.normalize(self.text(features), dim=-1)

    def classes(self, wordings: Tensor) -> Tensor:
        """Embeddings (1000, dim) of the classes, of text features (k, 1000, w) in k wordings.

        In training, each class in a random wording, which ties it to all of its names; otherwise
        the mean of its wordings.
        """
        if not self.training:
            return functional.normalize(torch.stack(list(map(self.texts, wordings))).sum(0), dim=-1)
        choice = torch.randint(len(wordings), wordings.shape[1:2])
        return self.texts(wordings[choice, torch.arange(wordings.shape[1])])

    def exported(self, wordings: Tensor) -> dict[str, NDArray[np.float32]]:
        """The tensors of the heads file, except tails, class part and mean rows."""
        was_training = self.training
        self.eval()
        with torch.no_grad():
            tensors = {"class_weight": self.class_weight, "classes": self.classes(wordings)}
        for side in (self.image, self.text):
            tensors |= {f"{side.side}.{name}": t for name, t in side.tensors().items()}
        self.train(was_training)
        return arrays(tensors)


def arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """Copy tensors into arrays."""
    return {name: t.detach().cpu().numpy().copy() for name, t in tensors.items()}


def _spread_floors(width: int, of_tail: slice) -> Tensor:
    """The floor of the spread of each of `width` features."""
    floors = torch.full((width,), SPREAD_FLOOR)
    floors[of_tail] = TAIL_SPREAD_FLOOR
    return floors


def image_features(
    tail: nn.Module, images: NDArray[np.float16], maps: Maps, *, half: bool = False
) -> Tensor:
    """Input of the image head (n, 10064), from features (n, 7504) and maps of the trunk.

    The tail runs on few pictures at a time, whose maps fit into the processor's cache; for
    gradients it runs again, which takes less memory than keeping its maps. With `half`, it
    multiplies in bfloat16 if the processor supports that.
    """
    parts = []
    for start in range(0, len(maps), TAIL_BATCH):
        read = torch.from_numpy(maps[start : start + TAIL_BATCH]).float()
        with halves(half):
            read = read.contiguous(memory_format=torch.channels_last)
            parts.append(checkpoint(tail, read, use_reentrant=False).float())
    known = torch.from_numpy(images).float()
    return torch.cat([known[:, :TRUNK], torch.cat(parts), known[:, TRUNK:]], -1)
