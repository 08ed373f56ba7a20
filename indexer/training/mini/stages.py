"""Stages of the training of the built-in model: image tail, heads with text tail, more heads.

The image tail is trained with heads that are thrown away. The final heads learn from its output,
together with the tail of the text tower: an image tail still in training would overfit the training
pictures as fast as the text tail their captions. Finally more heads learn from the output of both
tails, each pair from a seed of its own: together they find more.
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
from indexer.encoders.mini.heads import (
    WORDS,
    class_part_of_images,
    class_probabilities,
    empty_part,
)
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
from indexer.training.halves import with_exact_depthwise
from indexer.training.loop import LoopSettings
from indexer.training.mini.alignment import Alignment, Weights, evaluating
from indexer.training.mini.assembly import (
    NO_NAMES,
    Vocabulary,
    class_part,
    hub_part,
    narrow,
    sense_part,
    word_part,
)
from indexer.training.mini.ensemble import join_heads, prune_units
from indexer.training.mini.features import Features, Ints
from indexer.training.mini.heads_model import arrays, image_features
from indexer.training.mini.short_texts import ShortQueries, ShortTextsStage
from indexer.training.mini.texts import ShortTexts
from indexer.training.mini.words import Words, text_features

PROGRESS_PICTURES = 100  # between two progress events


class ImageTailStage(Alignment):
    """Training of the image tower's tail, with heads that read sentences as MiniLM encodes them."""

    name = "image tail"

    @property
    def loop(self) -> LoopSettings:
        return self.settings.tail_loop

    @property
    def rate(self) -> float:
        return self.settings.tail_rate

    def new_tail(self) -> nn.Module:
        return with_exact_depthwise(Tail(Trunk()))

    @property
    def tail(self) -> Tail:
        """The tail, the only part of this stage that is kept."""
        assert isinstance(self.heads.tail, Tail)
        return self.heads.tail

    def pictures(self, tail: nn.Module, data: Features, views: Ints, at: Ints) -> Tensor:
        read, half = data.read_maps(views, at), torch.is_grad_enabled()
        return image_features(tail, data.views[views, at], read, half=half)

    def texts(self, tail: nn.Module, rows: Ints) -> Tensor:
        return torch.from_numpy(self.words.sentences[rows])

    def wordings(self, tail: nn.Module) -> Tensor:
        return torch.from_numpy(np.stack([words.sentences for words in self.classes]))


class HeadsStage(Alignment):
    """Training of the heads together with the tail of the text tower."""

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
        """Features that the text head reads of texts, (n, 768), with the trained tail."""
        with evaluating(self.heads.tail) as tail:
            return text_features(tail, words, np.arange(len(words.sentences)))

    @cached_property
    def _training_features(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features of the training pictures and captions, with the trained tail."""
        return self.plain_features(self.train), self.caption_features(self.train)

    def join_heads(self, others: Sequence[Weights] = ()) -> Weights:
        """Join these heads and `others` into one pair, narrowed to its final width and units."""
        settings, sizes = self.settings, self.settings.sizes
        images, captions = self._training_features
        weights = self.exported()
        if others:
            weights = join_heads([weights, *others], images, captions)
        rows = [
            heads_part_of_images(images, weights),
            heads_part_of_texts(captions, weights),
            unit_rows(weights["classes"]),
        ]
        of_heads = sizes.dim - sizes.classes - sizes.sense - HUB_WIDTH
        weights = narrow(weights, np.concatenate(rows), of_heads)
        weights = prune_units(weights, "image", self._some_views(), settings.image_units)
        return prune_units(weights, "text", captions[::2], settings.text_units)

    def short_texts(
        self, weights: Weights, train: ShortTexts, validation: ShortTexts
    ) -> ShortTextsStage:
        """The stage that trains joined heads on short texts.

        `train` are short texts of the training captions, `validation` those of the validation
        captions.
        """
        pictures, captions = self._training_features
        names = self.current_wordings().flatten(0, 1).numpy()
        images = heads_part_of_images(pictures, weights)
        others = heads_part_of_images(self.plain_features(self.validation), weights)
        queries, validation_queries = (
            ShortQueries(self.features_of(each.words).numpy(), each.pictures)
            for each in (train, validation)
        )
        return ShortTextsStage(
            weights,
            images,
            queries,
            (captions, names),
            (others, validation_queries),
            self.settings,
        )

    def complete(self, weights: Weights, named: Vocabulary = NO_NAMES) -> Weights:
        """Add the other parts to joined heads: all of the heads file except the image tail.

        `named`: things that texts may name besides the classes.
        """
        sizes = self.settings.sizes
        images, captions = self._training_features
        names = np.stack([words.sentences for words in self.classes])
        weights = weights | class_part(names, captions[:, :WORDS], sizes.classes, named.kinds)
        of_heads = heads_part_of_images(images, weights)
        of_classes = class_part_of_images(class_probabilities(images), weights)
        mentions = named.mentions.reshape(len(named.words), len(images))
        weights |= word_part(named.words, mentions, of_heads, of_classes)
        weights |= sense_part(captions[:, :WORDS], sizes.sense)
        weights |= self._hub_part(captions, weights)
        weights["mean.image"] = project_images(images, weights).mean(0)
        weights["mean.text"] = project_texts(captions, weights).mean(0)
        tail = self.heads.tail
        assert isinstance(tail, TextTail)
        return weights | arrays(tail.stored())

    def _some_views(self) -> NDArray[np.float32]:
        """Features of every picture in two of its views, if it has two."""
        at = np.tile(np.arange(len(self.train.places)), min(2, len(self.train.views)))
        views = np.repeat(np.arange(len(at) // len(self.train.places)), len(self.train.places))
        return self.pictures(self.heads.tail, self.train, views, at).numpy()

    def _hub_part(self, captions: NDArray[np.float32], weights: Weights) -> Weights:
        """The tensors of hubness, whose usual value is that of the validation pictures."""
        weights, other = weights | empty_part(HUB_PART), self.validation
        images, texts = self.plain_features(other), self.caption_features(other)
        names = self.current_wordings().flatten(0, 1).numpy()
        known = project_images(images, weights), project_texts(texts, weights)
        captions, names = (project_texts(each, weights) for each in (captions, names))
        return hub_part(captions, names, known)


def more_heads_name(number: int) -> str:
    """The name of the stage that trains the pair `number` of more heads."""
    return f"more heads {number}"


class MoreHeadsStage(Alignment):
    """Training of more heads on the tails of the first ones; `number` counts from 1."""

    def __init__(self, first: HeadsStage, number: int) -> None:
        self.name = more_heads_name(number)
        self._texts = first.features_of(first.words)
        self._classes = first.current_wordings()
        known = first.loop
        # Without early stopping: a pair that stops early by chance would weaken the ensemble.
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


def add_tail_features(tail: Tail, data: Features) -> Generator[Progress, None, Features]:
    """Add the output of an image tail to features, for each view; yields progress, returns them."""
    views = np.zeros((*data.views.shape[:2], data.views.shape[2] + tail.width), np.float16)
    count = len(data.places)
    for number, known in enumerate(data.views):
        for start in range(0, count, PROGRESS_PICTURES):
            at = np.arange(start, min(start + PROGRESS_PICTURES, count))
            with torch.no_grad():
                read = data.read_maps(np.full_like(at, number), at)
                views[number, at] = image_features(tail, known[at], read, half=True).numpy()
            yield Progress(
                number * count + min(start + PROGRESS_PICTURES, count), views.shape[0] * count
            )
    return replace(data, views=views)
