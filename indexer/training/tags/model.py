"""The tag head in training: parameters, loss, and the task of the training loop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indexer.tag_head import BOTH, INPUTS, logits
from indexer.training.loop import Judgement, LoopSettings, Task
from indexer.training.tags.examples import Examples

_SMALLEST_BATCH = 8  # examples


@dataclass(frozen=True, slots=True)
class TagSettings:
    """Settings of a tag head's training.

    `caption_dropout`: the share of steps in which a picture's caption is withheld, so that the head
    also learns pictures without one. `dropout` is that of the features `v_f`.
    """

    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            epochs=30, patience=6, learning_rate=1e-3, weight_decay=0.3, warm_up=0.1
        )
    )
    batch: int = 256  # at most; a sixteenth of few examples, or an epoch would be one step
    dropout: float = 0.5
    caption_dropout: float = 0.25


class _Side(nn.Module):
    """One modality: its standardisation, its task projection, and its part of `A`."""

    def __init__(self, rows: NDArray[np.float32], tags: int) -> None:
        super().__init__()
        dim = rows.shape[1]
        self.register_buffer("mean", torch.from_numpy(rows.mean(0)))
        self.register_buffer("scale", torch.from_numpy(1 / (rows.std(0) + 1e-3)))
        self.task = nn.Parameter(torch.zeros(dim, dim))  # initially all features count equally:
        self.task_bias = nn.Parameter(torch.ones(dim))  # v_f = v_c
        self.out = nn.Parameter(torch.zeros(dim, tags))


class TagModel(nn.Module):
    """The parameters that `logits` reads, under its names."""

    def __init__(self, train: Examples, given: str, *, exclusive: bool, dropout: float) -> None:
        super().__init__()
        self.given, self.exclusive = given, exclusive
        tags = train.targets.shape[1]
        if "image" in INPUTS[given]:
            self.image = _Side(train.v_i, tags)
        if "text" in INPUTS[given]:
            captions = train.v_t[train.has_caption]
            self.text = _Side(captions if len(captions) else train.v_t, tags)
            self.absent = nn.Parameter(torch.zeros(train.v_t.shape[1]))
        share = (train.targets.sum(0) + 1) / (len(train) + 2)
        start = np.log(share) if exclusive else np.log(share / (1 - share))
        self.bias = nn.Parameter(torch.from_numpy(start.astype(np.float32)))
        self.drop = nn.Dropout(dropout)

    @property
    def weights(self) -> dict[str, Tensor]:
        """All tensors that `logits` reads, by name."""
        return dict(self.named_parameters()) | dict(self.named_buffers())

    def forward(self, v_i: Tensor, v_t: Tensor, has_caption: Tensor) -> Tensor:
        """Raw scores (n, tags); `has_caption` (n, 1)."""
        weights = self.weights
        scores: Tensor = logits(v_i, v_t, has_caption, self.given, weights, torch.cat, self.drop)
        return scores

    def loss(self, z: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of the one right tag, or of each tag separately."""
        if self.exclusive:
            return functional.cross_entropy(z, targets)
        return functional.binary_cross_entropy_with_logits(z, targets)

    def exported(self) -> dict[str, NDArray[np.float32]]:
        """The weights as numpy arrays."""
        return {name: tensor.detach().numpy().copy() for name, tensor in self.weights.items()}


def tag_task(
    model: TagModel, train: Examples, stopping: Examples, settings: TagSettings, key: str = ""
) -> Task[Tensor]:
    """The task of the training loop; the likelihood of the `stopping` examples decides.

    It is a mean of the likelihoods with and without captions, weighted by the share of captions
    that training withholds.
    """
    v_i, v_t, has_caption, targets = _tensors(train)
    held_out = _tensors(stopping)
    withheld = settings.caption_dropout if model.given == BOTH else 0.0

    size = min(settings.batch, max(_SMALLEST_BATCH, len(train) // 16))

    def batches(generator: torch.Generator) -> Iterable[Tensor]:
        return torch.split(torch.randperm(len(train), generator=generator), size)

    def loss(batch: Tensor) -> Tensor:
        there = has_caption[batch] * (torch.rand(len(batch), 1) >= withheld)
        return model.loss(model(v_i[batch], v_t[batch], there), targets[batch])

    def judge() -> Judgement:
        with_captions, without = (
            float(model.loss(model(held_out[0], held_out[1], there), held_out[3]))
            for there in (held_out[2], 0 * held_out[2])
        )
        loss = (1 - withheld) * with_captions + withheld * without
        return -loss, {"loss": loss}

    steps = -(-len(train) // size)
    return Task(model, batches, steps, loss, judge, key)


def _tensors(data: Examples) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    there = torch.from_numpy(data.has_caption[:, None].astype(np.float32))
    v_i, v_t, targets = (torch.from_numpy(rows) for rows in (data.v_i, data.v_t, data.targets))
    return v_i, v_t, there, targets
