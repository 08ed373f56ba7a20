"""The text head learns short texts: people ask in some words, and captions are sentences.

It is taught which pictures a few words are right for, and keeps what it said of captions and of
names of classes: those it had learned with the tails, of which nothing changes here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from indexer.embedding import Rows, unit_rows
from indexer.encoders.mini.projection import heads_part_of_texts
from indexer.metrics.recall import figures, mean_recall, ranks
from indexer.training.batches import cuts, shuffled
from indexer.training.loop import Judged, LoopSettings, Task
from indexer.training.mini.alignment import AlignSettings, Weights
from indexer.training.mini.heads_model import Head, arrays
from indexer.training.mini.words import Ints

TEMPERATURE = 0.07  # of the pictures that a short text is right for
KEPT = 20.0  # how much it counts to say of captions and names what was said before
_TENSORS = ("linear", "bias", "inner", "inner_bias", "outer")  # what learns


class ShortQueries(NamedTuple):
    """Text features (m, w) of short texts, and the pictures that each is right for."""

    features: NDArray[np.float32]
    pictures: Sequence[Ints]


class ShortBatch(NamedTuple):
    """Places of short texts, and as many of what is kept as it was: captions and names."""

    short: Ints
    captions: Ints
    names: Ints


class ShortTextsStage:
    """A task of the training loop: the text head of finished `weights` learns short texts.

    `images` (n, d) are the heads' parts of the training pictures, `captions` and `names` the text
    features (k, w) of what is kept. `validation` are the heads' parts of pictures, and short texts
    that ask for them.
    """

    name = "short texts"

    def __init__(
        self,
        weights: Weights,
        images: Rows,
        asking: ShortQueries,
        kept: tuple[NDArray[np.float32], NDArray[np.float32]],
        validation: tuple[Rows, ShortQueries],
        settings: AlignSettings,
    ) -> None:
        self.settings, self.weights = settings, weights
        self.asking, self.kept, self.validation = asking, kept, validation
        centred = unit_rows(images - images.mean(axis=0))
        self._images = torch.from_numpy(centred)
        said = [heads_part_of_texts(features, weights) for features in kept]
        self._said = [torch.from_numpy(rows) for rows in said]
        self._middle = torch.from_numpy(said[0].mean(axis=0))
        self.head = _head(weights, settings)

    @property
    def loop(self) -> LoopSettings:
        """How long and how fast."""
        return self.settings.short_loop

    def task(self, key: str) -> Task[ShortBatch]:
        """What the loop trains; `key` tells the data."""
        steps = len(cuts(len(self.asking.pictures), self.settings.batch))
        key = repr((type(self).__name__, key, self.settings))
        return Task(self.head, self.batches, steps, self.loss, self.judge, key)

    def batches(self, generator: torch.Generator) -> Iterator[ShortBatch]:
        """One epoch: each short text once, beside as many captions and names."""
        for chosen in shuffled(len(self.asking.pictures), self.settings.batch, generator):
            captions, names = (
                torch.randint(len(rows), chosen.shape, generator=generator).numpy()
                for rows in self.kept
            )
            yield ShortBatch(chosen.numpy(), captions, names)

    def loss(self, batch: ShortBatch) -> Tensor:
        """Cross-entropy over all pictures, and how far captions and names have moved.

        All pictures that a text is right for are right, equally. What has moved is told by
        `1 - cos`.
        """
        asked = self._rows(self.asking.features[batch.short])
        asked = functional.normalize(asked - self._middle, dim=-1)
        right = torch.zeros(len(asked), len(self._images))
        for row, place in enumerate(batch.short):
            pictures = self.asking.pictures[place]
            right[row, pictures] = 1 / len(pictures)
        loss = functional.cross_entropy(asked @ self._images.T / TEMPERATURE, right)
        for features, said, places in zip(self.kept, self._said, batch[1:], strict=True):
            kept = (self._rows(features[places]) * said[places]).sum(dim=1)
            loss = loss + KEPT * (1 - kept).mean()
        return loss

    def judge(self) -> Judged:
        """Mean recall and figures of short texts that ask for the validation pictures."""
        images, asking = self.validation
        middle = self._middle.numpy()
        rows = heads_part_of_texts(asking.features, self.learned()) - middle
        relevant = np.zeros((len(rows), len(images)), np.bool_)
        for row, pictures in enumerate(asking.pictures):
            relevant[row, pictures] = True
        found = ranks(unit_rows(rows) @ unit_rows(images - images.mean(axis=0)).T, relevant)
        return mean_recall(found), figures(found)

    def learned(self) -> Weights:
        """The weights with the text head as it is now."""
        tensors = {f"text.{name}": self.head.tensors()[name] for name in _TENSORS}
        return self.weights | arrays(tensors)

    def _rows(self, features: NDArray[np.float32]) -> Tensor:
        return functional.normalize(self.head(torch.from_numpy(features)), dim=-1)


def _head(weights: Weights, settings: AlignSettings) -> Head:
    """The text head of weights, as a module."""
    read, hidden = weights["text.inner"].shape
    sizes, narrow = settings.sizes, weights["text.bias"].size
    head = Head("text", read, hidden, sizes.text_dropout, replace(sizes, dim=narrow))
    state = {name: torch.from_numpy(weights[f"text.{name}"].copy()) for name in head.tensors()}
    head.load_state_dict(state)
    return head
