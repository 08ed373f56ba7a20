"""The tag head while it is trained: parameters, loss, and what the loop needs of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from indexer.tag_head import BOTH, INPUTS, logits
from indexer.training.loop import Judged, LoopSettings, Task
from indexer.training.tags.examples import Examples

_SMALLEST = 8  # examples of a batch


@dataclass(frozen=True, slots=True)
class TagSettings:
    """How a tag head is trained.

    `caption_dropout`: how often a picture's caption is withheld, so that pictures without one are
    an ordinary case. `dropout` is of the features `v_f`.
    """

    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            epochs=30, patience=6, learning_rate=1e-3, weight_decay=0.3, warm_up=0.1
        )
    )
    batch: int = 256  # at most: of a few examples a sixteenth, or an epoch would be one step
    dropout: float = 0.5
    caption_dropout: float = 0.25


class _Side(nn.Module):
    """One modality: how it is standardised, its task-related projection, and its part of `A`."""

    def __init__(self, rows: NDArray[np.float32], tags: int) -> None:
        super().__init__()
        dim = rows.shape[1]
        self.register_buffer("mean", torch.from_numpy(rows.mean(0)))
        self.register_buffer("scale", torch.from_numpy(1 / (rows.std(0) + 1e-3)))
        self.task = nn.Parameter(torch.zeros(dim, dim))  # at first every feature counts alike:
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
        """Everything that `logits` reads, by name."""
        return dict(self.named_parameters()) | dict(self.named_buffers())

    def forward(self, v_i: Tensor, v_t: Tensor, has_caption: Tensor) -> Tensor:
        """Raw scores (n, tags); `has_caption` (n, 1)."""
        weights = self.weights
        found: Tensor = logits(v_i, v_t, has_caption, self.given, weights, torch.cat, self.drop)
        return found

    def loss(self, z: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of the one right tag, or of each tag for itself."""
        if self.exclusive:
            return functional.cross_entropy(z, targets)
        return functional.binary_cross_entropy_with_logits(z, targets)

    def exported(self) -> dict[str, NDArray[np.float32]]:
        """The weights as numpy arrays."""
        return {name: tensor.detach().numpy().copy() for name, tensor in self.weights.items()}


def tag_task(
    model: TagModel, train: Examples, stopping: Examples, settings: TagSettings, key: str = ""
) -> Task[Tensor]:
    """What the loop trains; the figure that decides is the likelihood of the `stopping` examples.

    They are judged as they are and without their captions, as often as training withholds them.
    """
    v_i, v_t, has_caption, targets = _tensors(train)
    judged = _tensors(stopping)
    withheld = settings.caption_dropout if model.given == BOTH else 0.0

    size = min(settings.batch, max(_SMALLEST, len(train) // 16))

    def batches(generator: torch.Generator) -> Iterable[Tensor]:
        return torch.split(torch.randperm(len(train), generator=generator), size)

    def loss(chosen: Tensor) -> Tensor:
        there = has_caption[chosen] * (torch.rand(len(chosen), 1) >= withheld)
        return model.loss(model(v_i[chosen], v_t[chosen], there), targets[chosen])

    def judge() -> Judged:
        with_captions, without = (
            float(model.loss(model(judged[0], judged[1], there), judged[3]))
            for there in (judged[2], 0 * judged[2])
        )
        loss = (1 - withheld) * with_captions + withheld * without
        return -loss, {"loss": loss}

    steps = -(-len(train) // size)
    return Task(model, batches, steps, loss, judge, key)


def _tensors(data: Examples) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    there = torch.from_numpy(data.has_caption[:, None].astype(np.float32))
    v_i, v_t, targets = (torch.from_numpy(rows) for rows in (data.v_i, data.v_t, data.targets))
    return v_i, v_t, there, targets
