"""The parts of the training of the built-in model: the image tail, then all the rest, more heads.

The image tail is trained with heads that are thrown away. Those that stay learn from what it then
says, together with the tail of the text tower: an image tail that still learns would fit itself to
the training pictures as fast as the text tail to their captions. At last more heads learn from what
both tails say, each from a seed of its own: together they find more.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.embedding import unit_rows
from indexer.encoders.mini.heads import POOLED, WORDS, class_part_of_images, empty_part
from indexer.encoders.mini.hubness import HUB_PART, HUB_WIDTH
from indexer.encoders.mini.image_tower import Tail, Trunk
from indexer.encoders.mini.projection import (
    heads_part_of_images,
    heads_part_of_texts,
    project_images,
    project_texts,
)
from indexer.encoders.mini.text_tower import TextTail, TextTrunk
from indexer.progress import Progress
from indexer.training.loop import LoopSettings
from indexer.training.mini.alignment import Alignment, Weights, settled
from indexer.training.mini.assembly import (
    NO_NAMES,
    Vocabulary,
    class_part,
    hub_part,
    narrowed,
    sense_part,
    word_part,
)
from indexer.training.mini.ensemble import fewer_units, side_by_side
from indexer.training.mini.features import Features, Ints
from indexer.training.mini.heads_model import arrays, image_features
from indexer.training.mini.short_texts import ShortQueries, ShortTextsStage
from indexer.training.mini.texts import ShortTexts
from indexer.training.mini.words import Words, text_features

AT_ONCE = 100  # pictures between two signs of progress


class ImageTailStage(Alignment):
    """The tail of the image tower learns, with heads that read sentences as MiniLM does."""

    name = "image tail"

    @property
    def loop(self) -> LoopSettings:
        return self.settings.tail_loop

    @property
    def rate(self) -> float:
        return self.settings.tail_rate

    def new_tail(self) -> Tail:
        return Tail(Trunk())

    @property
    def tail(self) -> Tail:
        """What is learned for good."""
        assert isinstance(self.heads.tail, Tail)
        return self.heads.tail

    def pictures(self, tail: nn.Module, data: Features, views: Ints, at: Ints) -> Tensor:
        return image_features(tail, data.views[views, at], data.maps[views, data.places[at]])

    def texts(self, tail: nn.Module, rows: Ints) -> Tensor:
        return torch.from_numpy(self.words.sentences[rows])

    def wordings(self, tail: nn.Module) -> Tensor:
        return torch.from_numpy(np.stack([words.sentences for words in self.classes]))


class HeadsStage(Alignment):
    """The heads learn, and with them the tail of the text tower."""

    name = "heads and text tail"

    @property
    def loop(self) -> LoopSettings:
        return self.settings.loop

    @property
    def rate(self) -> float:
        return self.settings.text_tail_rate

    def new_tail(self) -> TextTail:
        return TextTail(TextTrunk())

    def pictures(self, tail: nn.Module, data: Features, views: Ints, at: Ints) -> Tensor:
        return torch.from_numpy(data.views[views, at]).float()

    def texts(self, tail: nn.Module, rows: Ints) -> Tensor:
        return text_features(tail, self.words, rows)

    def wordings(self, tail: nn.Module) -> Tensor:
        each = [text_features(tail, c, np.arange(len(c.sentences))) for c in self.classes]
        return torch.stack(each)

    def features_of(self, words: Words) -> Tensor:
        """What the text head reads of texts, (n, 768), once the tail has learned."""
        with settled(self.heads.tail) as tail:
            return text_features(tail, words, np.arange(len(words.sentences)))

    @cached_property
    def _read(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What the heads read of the training pictures and captions, once the tail has learned."""
        return self.plain_features(self.train), self.caption_features(self.train)

    def joined(self, others: Sequence[Weights] = ()) -> Weights:
        """The tensors of these heads and `others`, made one and narrowed to what is kept."""
        settings, sizes = self.settings, self.settings.sizes
        images, captions = self._read
        weights = self.exported()
        if others:
            weights = side_by_side([weights, *others], images, captions)
        rows = [
            heads_part_of_images(images, weights),
            heads_part_of_texts(captions, weights),
            unit_rows(weights["classes"]),
        ]
        of_heads = sizes.dim - sizes.classes - sizes.sense - HUB_WIDTH
        weights = narrowed(weights, np.concatenate(rows), of_heads)
        weights = fewer_units(weights, "image", self._some_views(), settings.image_units)
        return fewer_units(weights, "text", captions[::2], settings.text_units)

    def short_texts(
        self, weights: Weights, train: ShortTexts, other: ShortTexts
    ) -> ShortTextsStage:
        """The training of short texts that follows, of joined heads.

        `train` are right for the training pictures, `other` for those of the validation.
        """
        read, captions = self._read
        names = self.settled_wordings().flatten(0, 1).numpy()
        images = heads_part_of_images(read, weights)
        others = heads_part_of_images(self.plain_features(self.validation), weights)
        asking, asks = (
            ShortQueries(self.features_of(each.words).numpy(), each.pictures)
            for each in (train, other)
        )
        return ShortTextsStage(
            weights, images, asking, (captions, names), (others, asks), self.settings
        )

    def completed(self, weights: Weights, named: Vocabulary = NO_NAMES) -> Weights:
        """All tensors of the heads file but the image tail, of joined heads: with the other parts.

        `named` is what texts may name besides the classes.
        """
        sizes = self.settings.sizes
        images, captions = self._read
        names = np.stack([words.sentences for words in self.classes])
        weights = weights | class_part(names, captions[:, :WORDS], sizes.classes, named.kinds)
        of_heads = heads_part_of_images(images, weights)
        of_classes = class_part_of_images(images[:, POOLED:] ** 2, weights)
        said = named.said.reshape(len(named.words), len(images))
        weights |= word_part(named.words, said, of_heads, of_classes)
        weights |= sense_part(captions[:, :WORDS], sizes.sense)
        weights |= self._hub_part(captions, weights)
        weights["mean.image"] = project_images(images, weights).mean(0)
        weights["mean.text"] = project_texts(captions, weights).mean(0)
        tail = self.heads.tail
        assert isinstance(tail, TextTail)
        return weights | arrays(tail.stored())

    def _some_views(self) -> NDArray[np.float32]:
        """Features of every picture in two of its views."""
        at = np.tile(np.arange(len(self.train.places)), min(2, len(self.train.views)))
        views = np.repeat(np.arange(len(at) // len(self.train.places)), len(self.train.places))
        return self.pictures(self.heads.tail, self.train, views, at).numpy()

    def _hub_part(self, captions: NDArray[np.float32], weights: Weights) -> Weights:
        """The tensors of hubness, as it is among the validation pictures."""
        weights, other = weights | empty_part(HUB_PART), self.validation
        images, texts = self.plain_features(other), self.caption_features(other)
        names = self.settled_wordings().flatten(0, 1).numpy()
        known = project_images(images, weights), project_texts(texts, weights)
        captions, names = (project_texts(each, weights) for each in (captions, names))
        return hub_part(captions, names, known)


def more_heads(number: int) -> str:
    """The name of what trains the heads `number` beside the first ones."""
    return f"more heads {number}"


class MoreHeadsStage(Alignment):
    """More heads learn on the tails of the first ones, `number` counts them from 1."""

    def __init__(self, first: HeadsStage, number: int) -> None:
        self.name = more_heads(number)
        self._texts = first.features_of(first.words)
        self._classes = first.settled_wordings()
        known = first.loop
        # To the end: where one stops early by chance, the others do not stand for it.
        loop = replace(known, seed=known.seed + number, patience=known.epochs)
        settings = replace(first.settings, loop=loop)
        super().__init__(first.train, first.validation, first.words, first.classes, settings)

    @property
    def loop(self) -> LoopSettings:
        return self.settings.loop

    @property
    def rate(self) -> float:
        return 1.0  # nothing but heads learns

    def new_tail(self) -> nn.Identity:
        return nn.Identity()

    def pictures(self, tail: nn.Module, data: Features, views: Ints, at: Ints) -> Tensor:
        return torch.from_numpy(data.views[views, at]).float()

    def texts(self, tail: nn.Module, rows: Ints) -> Tensor:
        return self._texts[torch.from_numpy(rows)]

    def wordings(self, tail: nn.Module) -> Tensor:
        return self._classes


def with_tail(tail: Tail, data: Features) -> Generator[Progress, None, Features]:
    """Features with what an image tail says of each view; yields progress and returns them."""
    views = np.zeros((*data.views.shape[:2], data.views.shape[2] + tail.width), np.float16)
    count = len(data.places)
    for number, known in enumerate(data.views):
        for start in range(0, count, AT_ONCE):
            part = slice(start, start + AT_ONCE)
            with torch.no_grad():
                read = data.maps[number, data.places[part]]
                views[number, part] = image_features(tail, known[part], read).numpy()
            yield Progress(number * count + min(start + AT_ONCE, count), views.shape[0] * count)
    return replace(data, views=views)
