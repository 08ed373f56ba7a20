"""Training of the text head on short texts: captions are sentences, but queries a few words.

It learns which pictures a few words are right for, and keeps its output for captions and for names
of classes, which it learned together with the tails. The tails do not change here.
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
from indexer.training.batches import batch_starts, shuffled_batches
from indexer.training.loop import Judgement, LoopSettings, Task
from indexer.training.mini.alignment import AlignSettings, Weights
from indexer.training.mini.heads_model import Head, arrays
from indexer.training.mini.words import Ints

TEMPERATURE = 0.07  # of the scores of pictures for a short text
KEEP_WEIGHT = 20.0  # of the loss that keeps the output for captions and names
_TENSORS = ("linear", "bias", "inner", "inner_bias", "outer")  # that are trained


class ShortQueries(NamedTuple):
    """Text features (m, w) of short texts, and the pictures that each is right for."""

    features: NDArray[np.float32]
    pictures: Sequence[Ints]


class ShortBatch(NamedTuple):
    """Places of short texts, and of as many captions and names whose output should stay."""

    short: Ints
    captions: Ints
    names: Ints


class ShortTextsStage:
    """A task of the training loop: the text head of finished `weights` learns short texts.

    `images` (n, d) are the heads' parts of the training pictures, `kept` the text features (k, w)
    of captions and of names, whose output should stay. `validation`: the heads' parts of the
    validation pictures, and short texts for them.
    """

    name = "short texts"

    def __init__(
        self,
        weights: Weights,
        images: Rows,
        queries: ShortQueries,
        kept: tuple[NDArray[np.float32], NDArray[np.float32]],
        validation: tuple[Rows, ShortQueries],
        settings: AlignSettings,
    ) -> None:
        self.settings, self.weights = settings, weights
        self.queries, self.kept, self.validation = queries, kept, validation
        centred = unit_rows(images - images.mean(axis=0))
        self._images = torch.from_numpy(centred)
        before = [heads_part_of_texts(features, weights) for features in kept]
        self._before = [torch.from_numpy(rows) for rows in before]
        self._middle = torch.from_numpy(before[0].mean(axis=0))
        self.head = _head(weights, settings)

    @property
    def loop(self) -> LoopSettings:
        """Length and learning rate of this training."""
        return self.settings.short_loop

    def task(self, key: str) -> Task[ShortBatch]:
        """The task of the training loop; `key` identifies the data."""
        steps = len(batch_starts(len(self.queries.pictures), self.settings.batch))
        key = repr((type(self).__name__, key, self.settings))
        return Task(self.head, self.batches, steps, self.loss, self.judge, key)

    def batches(self, generator: torch.Generator) -> Iterator[ShortBatch]:
        """One epoch: each short text once, with as many captions and names."""
        for short in shuffled_batches(len(self.queries.pictures), self.settings.batch, generator):
            captions, names = (
                torch.randint(len(rows), short.shape, generator=generator).numpy()
                for rows in self.kept
            )
            yield ShortBatch(short.numpy(), captions, names)

    def loss(self, batch: ShortBatch) -> Tensor:
        """Cross-entropy over all pictures, and the distance that captions and names have moved.

        All pictures that a text is right for count equally. The distance is `1 - cos`.
        """
        queries = self._rows(self.queries.features[batch.short])
        queries = functional.normalize(queries - self._middle, dim=-1)
        right = torch.zeros(len(queries), len(self._images))
        for row, place in enumerate(batch.short):
            pictures = self.queries.pictures[place]
            right[row, pictures] = 1 / len(pictures)
        loss = functional.cross_entropy(queries @ self._images.T / TEMPERATURE, right)
        for features, before, places in zip(self.kept, self._before, batch[1:], strict=True):
            cosines = (self._rows(features[places]) * before[places]).sum(dim=1)
            loss = loss + KEEP_WEIGHT * (1 - cosines).mean()
        return loss

    def judge(self) -> Judgement:
        """Mean recall and figures of short texts on the validation pictures."""
        images, queries = self.validation
        middle = self._middle.numpy()
        rows = heads_part_of_texts(queries.features, self.learned()) - middle
        relevant = np.zeros((len(rows), len(images)), np.bool_)
        for row, pictures in enumerate(queries.pictures):
            relevant[row, pictures] = True
        ranked = ranks(unit_rows(rows) @ unit_rows(images - images.mean(axis=0)).T, relevant)
        return mean_recall(ranked), figures(ranked)

    def learned(self) -> Weights:
        """The weights with the current text head."""
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
