"""Batches of different pictures."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


def cuts(count: int, size: int) -> list[int]:
    """Where the batches of an epoch begin: of about `size`, alike, of two pictures or more."""
    batches = max(1, min(round(count / size), count // 2))
    return [k * count // batches for k in range(batches)]


def shuffled(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Each of the pictures once, in batches.

    No picture comes twice in a batch, since its captions would be false negatives there.
    """
    order = torch.randperm(count, generator=generator)
    yield from torch.tensor_split(order, cuts(count, size)[1:])
