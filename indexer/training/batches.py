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
    """Yield each of `count` pictures once, in batches.

    A picture never occurs twice in a batch: its captions would be false negatives there.
    """
    yield from weighted_batches(torch.ones(count), size, generator)


def weighted_batches(shares: Tensor, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield pictures in batches, each with the probability in `shares` (n,), from 0 to 1.

    Pictures are taken in random order whenever the sum of the shares so far, from a random start,
    passes a whole number; so there are as many as in `drawn`, or one more or less.
    """
    order = torch.randperm(len(shares), generator=generator)
    start = torch.rand(1, generator=generator, dtype=torch.float64)
    passed = (start + shares[order].double().cumsum(0)).floor()
    taken = order[torch.diff(passed, prepend=torch.zeros(1)) > 0]
    yield from torch.tensor_split(taken, len(batch_starts(drawn(shares), size)))


def drawn(shares: Tensor) -> int:
    """About the number of pictures that `weighted_batches` yields."""
    return round(float(shares.double().sum()))
