"""Alignment of pictures and captions: the training of heads together with one of the tails."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.embedding import Rows
from indexer.encoders.mini.projection import heads_part_of_images, heads_part_of_texts
from indexer.metrics.recall import figures, mean_recall, ranks
from indexer.training.batches import batch_starts, drawn, weighted_batches
from indexer.training.loop import Judgement, LoopSettings, Task
from indexer.training.losses import class_agreement, info_nce, info_nce_of_several
from indexer.training.mini.features import Features, Ints
from indexer.training.mini.heads_model import Heads, HeadSizes
from indexer.training.mini.views import VIEWS
from indexer.training.mini.words import Words

Weights = dict[str, NDArray[np.float32]]
LOOP = LoopSettings(epochs=12, patience=3, learning_rate=1e-3, weight_decay=0.3)
SIZES = HeadSizes()
TAIL_LOOP = replace(LOOP, epochs=6)
SHORT_LOOP = LoopSettings(epochs=3, patience=3, learning_rate=1e-4, weight_decay=0.01)
STANDARDISING_PICTURES = 1000  # features are standardised by a sample of about that many


@dataclass(frozen=True, slots=True)
class AlignSettings:
    """Settings of the training of heads and tails; the defaults made the shipped ones.

    `tail_loop` trains the image tail, `loop` the heads with the text tail and `more` pairs of heads
    after them. All are joined into one pair of heads of `image_units` and `text_units` hidden
    units, whose text head then learns short texts in `short_loop`. Each step draws one of `views`
    and `captions` captions of each picture. `class_loss` and `caption_loss` weigh these losses
    against that of pairs; `tail_rate` and `text_tail_rate` are the learning rates of the tails as
    shares of the heads'. `class_gain`: final weight of the class-name branch as a share of its
    weight in training; next to the class part, less of it is enough.
    """

    sizes: HeadSizes = SIZES
    more: int = 3
    image_units: int = 1024
    text_units: int = 3000
    views: int = VIEWS
    batch: int = 700
    captions: int = 3
    tail_rate: float = 0.3
    text_tail_rate: float = 1.5
    class_gain: float = 0.5
    label_smoothing: float = 0.05
    class_loss: float = 0.5
    caption_loss: float = 0.4
    loop: LoopSettings = LOOP
    tail_loop: LoopSettings = TAIL_LOOP
    short_loop: LoopSettings = SHORT_LOOP


@dataclass(frozen=True, slots=True)
class Pairs:
    """Different pictures at the places `at` (n,), the view of each (n,), and captions (n, c)."""

    at: Ints
    views: Ints
    captions: Ints


class Alignment(ABC):
    """A task of the training loop: heads, and the tail of one tower, learn from pairs.

    Subclasses decide which tail that is, and so which features the heads read. `words` are those
    of all captions of the data set, `classes` those of the classes of ImageNet in k wordings.
    """

    def __init__(
        self,
        train: Features,
        validation: Features,
        words: Words,
        classes: Sequence[Words],
        settings: AlignSettings,
    ) -> None:
        self.settings, self.train, self.validation = settings, train, validation
        self.words, self.classes = words, classes
        torch.manual_seed(settings.loop.seed)
        tail = self.new_tail()
        some = np.arange(0, len(train.places), max(1, len(train.places) // STANDARDISING_PICTURES))
        with evaluating(tail):
            images = self.pictures(tail, train, np.zeros_like(some), some)
            captions = self.texts(tail, np.concatenate([train.captions[k] for k in some]))
        self.heads = Heads(tail, images, captions, settings.sizes)
        self._shares = torch.from_numpy(train.weights)
        self._wordings: Tensor | None = None  # as the tail read them before the current epoch

    name: str  # of the part that is trained

    @property
    @abstractmethod
    def loop(self) -> LoopSettings:
        """Length and learning rate of this training."""

    @property
    @abstractmethod
    def rate(self) -> float:
        """The learning rate of the tail, as a share of the heads'."""

    @abstractmethod
    def new_tail(self) -> nn.Module:
        """A tail before training."""

    @abstractmethod
    def pictures(self, tail: nn.Module, data: Features, views: Ints, at: Ints) -> Tensor:
        """Features that the image head reads of pictures, each in one view, (n, 10064)."""

    @abstractmethod
    def texts(self, tail: nn.Module, rows: Ints) -> Tensor:
        """Features that the text head reads of captions, (m, w)."""

    @abstractmethod
    def wordings(self, tail: nn.Module) -> Tensor:
        """Features that it reads of the classes of ImageNet in k wordings, (k, 1000, w)."""

    def task(self, key: str) -> Task[Pairs]:
        """The task of the training loop; `key` identifies the data."""
        steps = len(batch_starts(drawn(self._shares), self.settings.batch))
        key, rates = repr((type(self).__name__, key, self.settings)), {"tail.": self.rate}
        return Task(self.heads, self.batches, steps, self.loss, self.judge, key, rates)

    def batches(self, generator: torch.Generator) -> Iterator[Pairs]:
        """One epoch: each picture, by its weight, once, in a random view, with random captions."""
        train = self.train
        if self._wordings is None:
            self._wordings = self.current_wordings()
        for pictures in weighted_batches(self._shares, self.settings.batch, generator):
            views = torch.randint(len(train.views), pictures.shape, generator=generator)
            at = pictures.numpy()
            captions = draw_captions(
                [train.captions[k] for k in at.tolist()], self.settings.captions, generator
            )
            yield Pairs(at, views.numpy(), captions)

    def loss(self, pairs: Pairs) -> Tensor:
        """Weighted sum: InfoNCE of pairs, InfoNCE of captions of one picture, class agreement."""
        settings, heads, tail = self.settings, self.heads, self.heads.tail
        assert self._wordings is not None
        classes = heads.classes(self._wordings)
        features = self.pictures(tail, self.train, pairs.views, pairs.at)
        v_i, probabilities = heads.images(features, classes)
        v_t = heads.texts(self.texts(tail, pairs.captions.ravel()))
        v_t = v_t.view(*pairs.captions.shape, -1)  # (n, c, dim)
        scale = 1 / heads.temperature.exp()
        loss = info_nce_of_several(v_i, v_t, scale, settings.label_smoothing)
        agreement = class_agreement(v_i, classes, probabilities, scale)
        alike = info_nce(v_t[:, 0], v_t[:, 1], scale, settings.label_smoothing)
        return loss + settings.class_loss * agreement + settings.caption_loss * alike

    def judge(self) -> Judgement:
        """Mean recall and figures of text to image on the validation pictures, from heads alone."""
        weights, data = self.exported(), self.validation
        v_i = heads_part_of_images(self.plain_features(data), weights)
        v_t = heads_part_of_texts(self.caption_features(data), weights)
        return judge_rows(v_i, v_t, data)

    def exported(self) -> Weights:
        """The weights of the heads, with the final weight of the class-name branch."""
        self._wordings = self.current_wordings()
        weights = self.heads.exported(self._wordings)
        weights["class_weight"] *= self.settings.class_gain
        return weights

    def plain_features(self, data: Features) -> NDArray[np.float32]:
        """Features that the image head reads of unchanged pictures, (n, 10064)."""
        at = np.arange(len(data.places))
        with evaluating(self.heads.tail) as tail:
            return self.pictures(tail, data, np.zeros_like(at), at).numpy()

    def caption_features(self, data: Features) -> NDArray[np.float32]:
        """Features that the text head reads of all captions, in the order of their pictures."""
        with evaluating(self.heads.tail) as tail:
            return self.texts(tail, data.all_captions()).numpy()

    def current_wordings(self) -> Tensor:
        """The wordings as the tail reads them now; the next epoch keeps using them."""
        with evaluating(self.heads.tail) as tail:
            return self.wordings(tail)


@contextmanager
def evaluating(tail: nn.Module) -> Iterator[nn.Module]:
    """Context in which a tail is in evaluation mode, without gradients."""
    was_training = tail.training
    tail.eval()
    try:
        with torch.no_grad():
            yield tail
    finally:
        tail.train(was_training)


def draw_captions(captions: Sequence[Ints], number: int, generator: torch.Generator) -> Ints:
    """Draw `number` captions of each picture, (n, number); its first fills up those it lacks.

    Where a picture has few captions, the first describes it and others tell its context.
    """
    rows = []
    for own in captions:
        order = torch.randperm(len(own), generator=generator).numpy()[:number]
        rows.append(own[np.pad(order, (0, number - len(order)))])
    return np.stack(rows)


def judge_rows(v_i: Rows, v_t: Rows, data: Features) -> Judgement:
    """Mean recall and figures of text to image, for pictures and their captions."""
    relevant = data.owners()[:, None] == np.arange(len(v_i))
    ranked = ranks(v_t @ v_i.T, relevant)
    return mean_recall(ranked), figures(ranked)
