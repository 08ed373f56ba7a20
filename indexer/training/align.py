"""Training of the two heads of the built-in model: image and text features into one space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indexer.encoders.heads import CLASSES, POOLED, WORDS, class_branch, head, standardised
from indexer.encoders.mini import project_images, project_texts
from indexer.training.losses import class_agreement, info_nce
from indexer.training.recall import figures, mean_recall, ranks

WIDTHS = {"image": POOLED + CLASSES, "text": WORDS}
START = 0.1  # scale of the first weights: small ones learn more from what is common
CLASS_WEIGHT = 40.0  # so that the class-name branch decides where the classifier is sure


@dataclass(frozen=True, slots=True)
class AlignSettings:
    """How the heads are trained; the defaults made the shipped ones."""

    dim: int = 512
    hidden: int = 2048
    epochs: int = 3
    patience: int = 2
    batch: int = 1000
    learning_rate: float = 1e-3
    weight_decay: float = 0.3
    label_smoothing: float = 0.05
    image_dropout: float = 0.8
    text_dropout: float = 0.2
    class_loss: float = 0.5
    caption_loss: float = 0.4
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Features:
    """What the two towers made of captioned pictures.

    `images`: (n, 2280); `mirrored`: the same of the pictures turned left to right, or None;
    `texts`: (m, 384); `captions[k]`: the rows of `texts` that belong to picture k.
    """

    images: NDArray[np.float32]
    texts: NDArray[np.float32]
    captions: list[NDArray[np.int64]]
    mirrored: NDArray[np.float32] | None = None

    def owners(self) -> NDArray[np.int64]:
        """The picture of each caption, in the order of `captions`, shape (m,)."""
        return np.repeat(np.arange(len(self.captions)), [len(c) for c in self.captions])

    def all_captions(self) -> NDArray[np.int64]:
        """The rows of `texts` in the order of `owners`, shape (m,)."""
        return np.concatenate(self.captions)

    def subset(self, chosen: NDArray[np.bool_]) -> Features:
        """The features of some of the pictures."""
        captions = [rows for rows, keep in zip(self.captions, chosen, strict=True) if keep]
        mirrored = None if self.mirrored is None else self.mirrored[chosen]
        return Features(self.images[chosen], self.texts, captions, mirrored)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch came to; `figures` are text to image on the validation pictures."""

    number: int
    loss: float
    recall: float
    figures: dict[str, float]
    weights: dict[str, NDArray[np.float32]]


class Head(nn.Module):
    """The weights of `head`, under the names of the heads file."""

    def __init__(self, side: str, features: NDArray[np.float32], settings: AlignSettings) -> None:
        super().__init__()
        self.side = side
        width, hidden, dim = WIDTHS[side], settings.hidden, settings.dim
        self.linear = nn.Parameter(START * torch.randn(width, dim) * width**-0.5)
        self.bias = nn.Parameter(torch.zeros(dim))
        self.inner = nn.Parameter(torch.randn(width, hidden) * width**-0.5)
        self.inner_bias = nn.Parameter(torch.zeros(hidden))
        self.outer = nn.Parameter(START * torch.randn(hidden, dim) * hidden**-0.5)
        self.register_buffer("mean", torch.from_numpy(features.mean(0)))
        self.register_buffer("scale", torch.from_numpy(1 / (features.std(0) + 1e-3)))


class Heads(nn.Module):
    """Both heads, the class-name branch and the temperature."""

    def __init__(
        self, train: Features, class_texts: NDArray[np.float32], settings: AlignSettings
    ) -> None:
        super().__init__()
        self.settings = settings
        self.image = Head("image", train.images, settings)
        self.text = Head("text", train.texts[train.all_captions()], settings)
        self.class_weight = nn.Parameter(torch.full((1,), CLASS_WEIGHT))
        self.temperature = nn.Parameter(torch.tensor(0.07).log())
        self.class_texts = torch.from_numpy(class_texts)

    @property
    def weights(self) -> dict[str, Tensor]:
        """Everything that `head` and `class_branch` read, by name."""
        named = dict(self.named_parameters()) | dict(self.named_buffers())
        return named | {"classes": self.texts(self.class_texts, named)}

    def texts(self, features: Tensor, weights: dict[str, Tensor]) -> Tensor:
        """`v_t` of text features, (n, dim)."""
        drop = nn.Dropout(self.settings.text_dropout).train(self.training)
        x = standardised(features, "text", weights)
        return functional.normalize(head(x, "text", weights, drop), dim=-1)

    def loss(self, images: Tensor, texts: Tensor, others: Tensor) -> Tensor:
        """Loss of one batch: InfoNCE of pairs, of captions, and the class agreement, weighted.

        `others` are second captions of the same pictures.
        """
        weights = self.weights
        drop = nn.Dropout(self.settings.image_dropout).train(self.training)
        probabilities = images[:, POOLED:] ** 2
        x = head(standardised(images, "image", weights), "image", weights, drop)
        v_i = functional.normalize(x + class_branch(probabilities, weights), dim=-1)
        v_t = self.texts(texts, weights)
        scale = 1 / self.temperature.exp()
        contrast = info_nce(v_i, v_t, scale, self.settings.label_smoothing)
        agreement = class_agreement(v_i, weights["classes"], probabilities, scale)
        captions = info_nce(self.texts(others, weights), v_t, scale, self.settings.label_smoothing)
        loss = contrast + self.settings.class_loss * agreement
        return loss + self.settings.caption_loss * captions

    def exported(self, train: Features) -> dict[str, NDArray[np.float32]]:
        """The weights as the heads file holds them, with the mean rows of the training data."""
        self.eval()
        with torch.no_grad():
            tensors = self.weights
        weights = {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}
        del weights["temperature"]
        weights["mean.image"] = project_images(train.images, weights).mean(0)
        weights["mean.text"] = project_texts(train.texts[train.all_captions()], weights).mean(0)
        self.train()
        return weights


def train_heads(
    train: Features,
    validation: Features,
    class_texts: NDArray[np.float32],
    settings: AlignSettings,
) -> Iterator[Epoch]:
    """Train both heads; yields each epoch with its weights and its figures on `validation`.

    `class_texts`: text features (1000, 384) of names and definitions of the ImageNet classes.
    Ends early when `settings.patience` epochs brought no better recall.
    """
    generator = torch.manual_seed(settings.seed)
    heads = Heads(train, class_texts, settings)
    optimizer = torch.optim.AdamW(decayed(heads, settings.weight_decay), settings.learning_rate)
    steps = settings.epochs * sum(1 for _ in batches(train, settings.batch, generator))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, settings.learning_rate, total_steps=steps, pct_start=0.1
    )
    views = [train.images] if train.mirrored is None else [train.images, train.mirrored]
    images, texts = torch.from_numpy(np.stack(views)), torch.from_numpy(train.texts)
    best, best_epoch = -1.0, 0
    for number in range(1, settings.epochs + 1):
        losses = []
        for pictures, captions, others in batches(train, settings.batch, generator):
            view = torch.randint(len(images), pictures.shape, generator=generator)
            loss = heads.loss(images[view, pictures], texts[captions], texts[others])
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        epoch = judged(number, float(np.mean(losses)), heads.exported(train), validation)
        yield epoch
        if epoch.recall > best:
            best, best_epoch = epoch.recall, number
        elif number - best_epoch >= settings.patience:
            return


def decayed(heads: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Parameter groups: matrices are decayed, biases and scalars are not."""
    parameters = list(heads.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]


def batches(
    data: Features, size: int, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """One epoch as (pictures, captions, others): every picture with each of its captions.

    `others` are captions of the same pictures once more, different ones where there are several.
    No picture comes twice in a batch, since its captions would be false negatives there.
    """
    shuffled = [torch.randperm(len(rows), generator=generator).numpy() for rows in data.captions]
    for turn in range(max(len(rows) for rows in data.captions)):
        having = [k for k, rows in enumerate(data.captions) if turn < len(rows)]
        order = torch.tensor(having)[torch.randperm(len(having), generator=generator)]
        for pictures in torch.split(order, size):
            if len(pictures) < 2:  # nothing to tell it from
                continue
            drawn = [
                (data.captions[k][order[turn]], data.captions[k][order[(turn + 1) % len(order)]])
                for k in pictures.tolist()
                for order in [shuffled[k]]
            ]
            captions, others = torch.tensor(np.array(drawn)).unbind(1)
            yield pictures, captions, others


def judged(
    number: int, loss: float, weights: dict[str, NDArray[np.float32]], validation: Features
) -> Epoch:
    """The epoch with its text-to-image figures on the validation pictures."""
    v_i = project_images(validation.images, weights)
    v_t = project_texts(validation.texts[validation.all_captions()], weights)
    relevant = validation.owners()[:, None] == np.arange(len(v_i))
    found = ranks(v_t @ v_i.T, relevant)
    return Epoch(number, loss, mean_recall(found), figures(found), weights)
