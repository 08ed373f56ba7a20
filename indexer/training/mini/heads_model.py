"""Heads and a tail of the built-in model while they are trained: the heads file as parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indexer.encoders.mini.heads import POOLED, TRUNK, WORDS, class_branch, head, standardised

AT_ONCE = 25  # pictures that run through the tail together
LEAST = 1e-3  # spread of a feature
LEAST_OF_TAIL = 1e-2  # of one that is still learning, and may come to vary more
START = 0.1  # scale of the first weights: small ones learn more from what is common
CLASS_WEIGHT = 60.0  # so that the class-name branch decides where the classifier is sure


@dataclass(frozen=True, slots=True)
class HeadSizes:
    """Width of the space, hidden units of each head, and how many of these a step drops.

    The heads learn in all of the width; in the end `classes` and `sense` of its columns, and one
    more, are those of the other parts.
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
        self.linear = nn.Parameter(START * torch.randn(width, dim) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(dim))
        self.inner = nn.Parameter(torch.randn(width, hidden) * width**-0.5)
        self.inner_bias = nn.Parameter(torch.zeros(hidden))
        self.outer = nn.Parameter(START * torch.randn(hidden, dim) * hidden**-0.5)
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def standardise(self, features: Tensor, least: Tensor | float = LEAST) -> None:
        """Take the mean of training features off all features, and make their spread 1.

        `least` is added to the spread, so that what hardly ever varies does not become loud.
        """
        self.mean = features.mean(0)
        self.scale = 1 / (features.std(0, correction=0) + least)

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

    `images` (n, 9064) and `captions` (m, w) are features of training data, by which the heads
    standardise.
    """

    def __init__(self, tail: nn.Module, images: Tensor, captions: Tensor, sizes: HeadSizes) -> None:
        super().__init__()
        self.tail = tail
        wide, words = images.shape[1], captions.shape[1]
        self.image = Head("image", wide, sizes.image_hidden, sizes.image_dropout, sizes)
        self.text = Head("text", words, sizes.text_hidden, sizes.text_dropout, sizes)
        with torch.no_grad():
            self.image.standardise(images, _least(wide, slice(TRUNK, POOLED)))
            self.text.standardise(captions, _least(words, slice(WORDS, None)))
        self.class_weight = nn.Parameter(torch.full((1,), CLASS_WEIGHT))
        self.temperature = nn.Parameter(torch.tensor(0.07).log())

    def images(self, features: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """`v_i` (n, dim) and the class probabilities (n, 1000) of image features."""
        probabilities = features[:, POOLED:] ** 2
        weights = {"class_weight": self.class_weight, "classes": classes}
        rows = self.image(features) + class_branch(probabilities, weights)
        return functional.normalize(rows, dim=-1), probabilities

    def texts(self, features: Tensor) -> Tensor:
        """`v_t` (n, dim) of text features."""
        return functional.normalize(self.text(features), dim=-1)

    def classes(self, wordings: Tensor) -> Tensor:
        """Embeddings (1000, dim) of the classes, of text features (k, 1000, w) in k wordings.

        In any wording while training, else their mean. A wording of its own for each class and
        step ties a class to all that it is called.
        """
        if not self.training:
            return functional.normalize(torch.stack(list(map(self.texts, wordings))).sum(0), dim=-1)
        drawn = torch.randint(len(wordings), wordings.shape[1:2])
        return self.texts(wordings[drawn, torch.arange(wordings.shape[1])])

    def exported(self, wordings: Tensor) -> dict[str, NDArray[np.float32]]:
        """The tensors of the heads file, but tails, class part and mean rows."""
        was_training = self.training
        self.eval()
        with torch.no_grad():
            tensors = {"class_weight": self.class_weight, "classes": self.classes(wordings)}
        for side in (self.image, self.text):
            tensors |= {f"{side.side}.{name}": t for name, t in side.tensors().items()}
        self.train(was_training)
        return arrays(tensors)


def arrays(tensors: Mapping[str, Tensor]) -> dict[str, NDArray[np.float32]]:
    """Tensors as arrays of their own."""
    return {name: t.detach().cpu().numpy().copy() for name, t in tensors.items()}


def _least(width: int, of_tail: slice) -> Tensor:
    """What is added to the spread of each of `width` features."""
    least = torch.full((width,), LEAST)
    least[of_tail] = LEAST_OF_TAIL
    return least


def image_features(
    tail: nn.Module, images: NDArray[np.float16], maps: NDArray[np.float16]
) -> Tensor:
    """What the image head reads (n, 9064), of features (n, 6504) and maps of the trunk.

    The tail runs on a few pictures at a time, whose maps fit into the processor's cache.
    """
    parts = []
    for start in range(0, len(maps), AT_ONCE):
        read = torch.from_numpy(maps[start : start + AT_ONCE]).float()
        parts.append(tail(read.contiguous(memory_format=torch.channels_last)))
    known = torch.from_numpy(images).float()
    return torch.cat([known[:, :TRUNK], torch.cat(parts), known[:, TRUNK:]], -1)
