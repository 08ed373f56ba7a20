"""Batches of different pictures."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def batch_starts(count: int, size: int) -> list[int]:
    """Starts of an epoch's batches: about `size` each, equally large, two pictures or more."""
    batches = max(1, min(round(count / size), count // 2))
    return [k * count // batches for k in range(batches)]


def shuffled_batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield every picture once, in batches.

    A picture never occurs twice in a batch: its captions would be false negatives there.
    """
    order = torch.randperm(count, generator=generator)
    yield from torch.tensor_split(order, batch_starts(count, size)[1:])
