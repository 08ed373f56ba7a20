"""Batches of different pictures."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

ROUNDING = 1e-6  # more than a sum of shares may be off


def batch_starts(count: int, size: int) -> list[int]:
    """Starts of an epoch's batches: about `size` each, equally large, two pictures or more."""
    batches = max(1, min(round(count / size), count // 2))
    return [k * count // batches for k in range(batches)]


def shuffled_batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield each of `count` pictures once, in batches.

    A picture never occurs twice in a batch: its captions would be false negatives there.
    """
    yield from weighted_batches(torch.ones(count), size, generator)


def weighted_batches(shares: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield pictures in batches, each with the probability in `shares` (n,), from 0 to 1.

    Their number, `drawn`, is always the same: pictures are taken in random order whenever the sum
    of the shares so far passes a whole number.
    """
    order = torch.randperm(len(shares), generator=generator)
    passed = (shares[order].double().cumsum(0) + ROUNDING).floor()
    taken = torch.diff(passed, prepend=torch.zeros(1)) > 0
    yield from torch.tensor_split(order[taken], batch_starts(drawn(shares), size)[1:])


def drawn(shares: Tensor) -> int:
    """The number of pictures that `weighted_batches` yields."""
    return int(shares.double().sum() + ROUNDING)
