"""What is trained to bring pictures and captions together: heads, with one tail or the other."""

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
from indexer.training.batches import cuts, shuffled
from indexer.training.loop import Judged, LoopSettings, Task
from indexer.training.losses import class_agreement, info_nce, info_nce_of_several
from indexer.training.mini.features import Features, Ints
from indexer.training.mini.heads_model import Heads, HeadSizes
from indexer.training.mini.views import VIEWS
from indexer.training.mini.words import Words

Weights = dict[str, NDArray[np.float32]]
LOOP = LoopSettings(epochs=12, patience=3, learning_rate=1e-3, weight_decay=0.3)
SIZES = HeadSizes()
TAIL_LOOP = replace(LOOP, epochs=8)
SHORT_LOOP = LoopSettings(epochs=3, patience=3, learning_rate=1e-4, weight_decay=0.01)
SAMPLE = 1000  # pictures by which features are standardised


@dataclass(frozen=True, slots=True)
class AlignSettings:
    """How heads and tails are trained; the defaults made the shipped ones.

    `tail_loop` is that of the image tail, `loop` that of the heads and the text tail, and of
    `more` heads beside them; all become one pair of heads of `image_units` and `text_units` hidden
    units, whose text head then learns short texts in `short_loop`. `views` of each picture are
    trained on, with that many `captions` a step; `class_loss` and `caption_loss` weigh the losses
    beside that of pairs; `tail_rate` and `text_tail_rate` are the learning rates of the tails as
    shares of the heads'. `class_gain`: how heavy the class-name branch is in the end, as a share
    of what it is in training: beside the class part, less of it is enough.
    """

    sizes: HeadSizes = SIZES
    more: int = 3
    image_units: int = 1024
    text_units: int = 3000
    views: int = VIEWS
    batch: int = 500
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
    """Different pictures `at` some places, each in one of its `views`, and its captions (n, c)."""

    at: Ints
    views: Ints
    captions: Ints


class Alignment(ABC):
    """A task of the training loop: heads, and the tail of one tower, learn from pairs.

    Which tail it is, and so what the heads read, is up to the kinds of it. `words` are of all
    captions of the data set, `classes` those of ImageNet in k wordings.
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
        some = np.arange(0, len(train.places), max(1, len(train.places) // SAMPLE))
        with settled(tail):
            images = self.pictures(tail, train, np.zeros_like(some), some)
            captions = self.texts(tail, np.concatenate([train.captions[k] for k in some]))
        self.heads = Heads(tail, images, captions, settings.sizes)
        self._wordings: Tensor | None = None  # as the tail read them when it was last settled

    name: str  # of what is trained

    @property
    @abstractmethod
    def loop(self) -> LoopSettings:
        """How long and how fast."""

    @property
    @abstractmethod
    def rate(self) -> float:
        """The learning rate of the tail, as a share of the heads'."""

    @abstractmethod
    def new_tail(self) -> nn.Module:
        """The tail as it is before it learns."""

    @abstractmethod
    def pictures(self, tail: nn.Module, data: Features, views: Ints, at: Ints) -> Tensor:
        """What the image head reads of pictures, each in one view, (n, 9064)."""

    @abstractmethod
    def texts(self, tail: nn.Module, rows: Ints) -> Tensor:
        """What the text head reads of captions, (m, w)."""

    @abstractmethod
    def wordings(self, tail: nn.Module) -> Tensor:
        """What it reads of the classes of ImageNet in k wordings, (k, 1000, w)."""

    def task(self, key: str) -> Task[Pairs]:
        """What the loop trains; `key` tells the data."""
        steps = len(cuts(len(self.train.places), self.settings.batch))
        key, rates = repr((type(self).__name__, key, self.settings)), {"tail.": self.rate}
        return Task(self.heads, self.batches, steps, self.loss, self.judge, key, rates)

    def batches(self, generator: torch.Generator) -> Iterator[Pairs]:
        """One epoch: every picture once, in any of its views, with some of its captions."""
        train = self.train
        if self._wordings is None:
            self._wordings = self.settled_wordings()
        for pictures in shuffled(len(train.places), self.settings.batch, generator):
            drawn = torch.randint(len(train.views), pictures.shape, generator=generator)
            at = pictures.numpy()
            captions = drawn_captions(
                [train.captions[k] for k in at.tolist()], self.settings.captions, generator
            )
            yield Pairs(at, drawn.numpy(), captions)

    def loss(self, pairs: Pairs) -> Tensor:
        """InfoNCE of pairs, of captions of one picture, and the class agreement, weighted."""
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

    def judge(self) -> Judged:
        """Mean recall and figures of text to image on the validation pictures, by heads alone."""
        weights, data = self.exported(), self.validation
        v_i = heads_part_of_images(self.plain_features(data), weights)
        v_t = heads_part_of_texts(self.caption_features(data), weights)
        return judged(v_i, v_t, data)

    def exported(self) -> Weights:
        """The weights of the heads, the class-name branch as heavy as it shall be."""
        self._wordings = self.settled_wordings()
        weights = self.heads.exported(self._wordings)
        weights["class_weight"] *= self.settings.class_gain
        return weights

    def plain_features(self, data: Features) -> NDArray[np.float32]:
        """What the image head reads of pictures as they are, (n, 9064)."""
        at = np.arange(len(data.places))
        with settled(self.heads.tail) as tail:
            return self.pictures(tail, data, np.zeros_like(at), at).numpy()

    def caption_features(self, data: Features) -> NDArray[np.float32]:
        """What the text head reads of all captions, in the order of their pictures."""
        with settled(self.heads.tail) as tail:
            return self.texts(tail, data.all_captions()).numpy()

    def settled_wordings(self) -> Tensor:
        """The wordings as the tail reads them now; for the epoch that follows they stay so."""
        with settled(self.heads.tail) as tail:
            return self.wordings(tail)


@contextmanager
def settled(tail: nn.Module) -> Iterator[nn.Module]:
    """The tail as it is used once trained, for as long as this lasts."""
    was_training = tail.training
    tail.eval()
    try:
        with torch.no_grad():
            yield tail
    finally:
        tail.train(was_training)


def drawn_captions(captions: Sequence[Ints], number: int, generator: torch.Generator) -> Ints:
    """`number` captions of each picture (n, number), different ones as far as it has them."""
    rows = []
    for own in captions:
        order = torch.randperm(len(own), generator=generator).numpy()
        rows.append(own[np.resize(order, number)])
    return np.stack(rows)


def judged(v_i: Rows, v_t: Rows, data: Features) -> Judged:
    """Mean recall and figures of text to image, of pictures and their captions."""
    relevant = data.owners()[:, None] == np.arange(len(v_i))
    found = ranks(v_t @ v_i.T, relevant)
    return mean_recall(found), figures(found)
