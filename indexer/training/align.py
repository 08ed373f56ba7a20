"""Training of tail and heads of the built-in model: image and text features into one space."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from indexer.encoders import Rows
from indexer.encoders.mini import (
    heads_part_of_images,
    heads_part_of_texts,
    project_images,
    project_texts,
)
from indexer.encoders.towers import Tail
from indexer.training.batches import cuts, shuffled
from indexer.training.class_part import class_part, narrowed
from indexer.training.features import Features
from indexer.training.heads_model import Heads, HeadSizes, image_features
from indexer.training.loop import Judged, LoopSettings, Task
from indexer.training.losses import class_agreement, info_nce, info_nce_of_several
from indexer.training.recall import figures, mean_recall, ranks
from indexer.training.views import VIEWS

Weights = dict[str, NDArray[np.float32]]
SIZES = HeadSizes()
LOOP = LoopSettings(epochs=8, patience=3, learning_rate=1e-3, weight_decay=0.3)
SAMPLE = 1000  # pictures by which features are standardised


@dataclass(frozen=True, slots=True)
class AlignSettings:
    """How the heads are trained; the defaults made the shipped ones.

    `views` of each picture are trained on, with that many `captions` a step; `class_loss` and
    `caption_loss` weigh the losses beside that of pairs; `tail_rate` is the tail's learning rate
    as a share of the heads'. `class_gain`: how heavy the class-name branch is in the end, as a
    share of what it is in training: beside the class part, less of it is enough.
    """

    sizes: HeadSizes = SIZES
    views: int = VIEWS
    batch: int = 500
    captions: int = 3
    tail_rate: float = 0.3
    class_gain: float = 0.5
    label_smoothing: float = 0.05
    class_loss: float = 0.5
    caption_loss: float = 0.4
    loop: LoopSettings = LOOP


@dataclass(frozen=True, slots=True)
class Pairs:
    """Different pictures, in one view each: their features and maps, and captions (n, c, 384)."""

    images: NDArray[np.float16]
    maps: NDArray[np.float16]
    texts: Tensor


class HeadsTrainer:
    """Makes the task of the training loop, and the weights that a heads file holds.

    `class_texts`: text features (k, 1000, 384) of the ImageNet classes in k wordings.
    """

    def __init__(
        self,
        train: Features,
        validation: Features,
        class_texts: NDArray[np.float32],
        settings: AlignSettings,
    ) -> None:
        torch.manual_seed(settings.loop.seed)
        self.settings = settings
        self.train, self.validation = train, validation
        some = slice(None, None, max(1, len(train.places) // SAMPLE))
        captions = train.texts[train.all_captions()]
        self.heads = Heads(
            train.views[0, some], train.maps[0, train.places[some]], captions, class_texts,
            settings.sizes,
        )  # fmt: skip
        self._texts = torch.from_numpy(train.texts)

    def task(self, key: str) -> Task[Pairs]:
        """What the loop trains; `key` tells the data."""
        steps = len(cuts(len(self.train.places), self.settings.batch))
        key, rates = repr((key, self.settings)), {"tail.": self.settings.tail_rate}
        return Task(self.heads, self.batches, steps, self.loss, self.judge, key, rates)

    def batches(self, generator: torch.Generator) -> Iterator[Pairs]:
        """One epoch: every picture once, in any of its views, with some of its captions."""
        train = self.train
        for pictures in shuffled(len(train.places), self.settings.batch, generator):
            drawn = torch.randint(len(train.views), pictures.shape, generator=generator)
            number, at = drawn.numpy(), pictures.numpy()
            captions = drawn_captions(
                [train.captions[k] for k in at.tolist()], self.settings.captions, generator
            )
            maps = train.maps[number, train.places[at]]
            yield Pairs(train.views[number, at], maps, self._texts[captions])

    def loss(self, pairs: Pairs) -> Tensor:
        """InfoNCE of pairs, of captions of one picture, and the class agreement, weighted."""
        settings, classes = self.settings, self.heads.classes()
        features = image_features(self.heads.tail, pairs.images, pairs.maps)
        v_i, probabilities = self.heads.images(features, classes)
        v_t = self.heads.texts(pairs.texts)  # (n, c, dim)
        scale = 1 / self.heads.temperature.exp()
        loss = info_nce_of_several(v_i, v_t, scale, settings.label_smoothing)
        agreement = class_agreement(v_i, classes, probabilities, scale)
        alike = info_nce(v_t[:, 0], v_t[:, 1], scale, settings.label_smoothing)
        return loss + settings.class_loss * agreement + settings.caption_loss * alike

    def judge(self) -> Judged:
        """Mean recall and figures of text to image on the validation pictures, by heads alone."""
        weights, data = self._exported(), self.validation
        v_i = heads_part_of_images(plain_features(self.heads.tail, data), weights)
        return judged(v_i, heads_part_of_texts(data.texts[data.all_captions()], weights), data)

    def _exported(self) -> Weights:
        weights = self.heads.exported()
        weights["class_weight"] *= self.settings.class_gain
        return weights

    def weights(self) -> Weights:
        """The tensors of the heads file: heads, class part, mean rows of the training data.

        Half of the width is the heads', half the class part's.
        """
        weights, features = self._exported(), plain_features(self.heads.tail, self.train)
        captions, names = (
            self.train.texts[self.train.all_captions()],
            self.heads.class_texts.numpy(),
        )
        rows = [
            heads_part_of_images(features, weights),
            heads_part_of_texts(captions, weights),
            weights["classes"],
        ]
        width = self.settings.sizes.dim // 2
        weights = narrowed(weights, np.concatenate(rows), width)
        weights |= class_part(names, captions, self.settings.sizes.dim - width)
        weights["mean.image"] = project_images(features, weights).mean(0)
        weights["mean.text"] = project_texts(captions, weights).mean(0)
        return weights


def drawn_captions(
    captions: Sequence[NDArray[np.int64]], number: int, generator: torch.Generator
) -> Tensor:
    """`number` captions of each picture (n, number), different ones as far as it has them."""
    rows = []
    for own in captions:
        order = torch.randperm(len(own), generator=generator).numpy()
        rows.append(own[np.resize(order, number)])
    return torch.from_numpy(np.stack(rows))


def plain_features(tail: Tail, data: Features) -> NDArray[np.float32]:
    """What the image head reads of pictures as they are, (n, 9064)."""
    with torch.no_grad():
        return image_features(tail, data.views[0], data.maps[0, data.places]).numpy()


def judged(v_i: Rows, v_t: Rows, data: Features) -> Judged:
    """Mean recall and figures of text to image, of pictures and their captions."""
    relevant = data.owners()[:, None] == np.arange(len(v_i))
    found = ranks(v_t @ v_i.T, relevant)
    return mean_recall(found), figures(found)


def figures_of(tail: Tail, weights: Weights, data: Features) -> dict[str, float]:
    """Text-to-image figures of a heads file."""
    v_i = project_images(plain_features(tail, data), weights)
    return judged(v_i, project_texts(data.texts[data.all_captions()], weights), data)[1]
