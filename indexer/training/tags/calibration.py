"""Calibration: raw scores become probabilities that mean what they say.

One temperature where tags exclude each other (Guo et al., 2017), Platt's line for each tag where
they do not (Platt, 1999), both with a prior towards leaving the scores as they are, so that a
tag of a few pictures is not bent to them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Scores = NDArray[np.float32]
Line = tuple[Scores, Scores]  # slope and shift of each tag, (tags,)

FOLDS = 5
_SPREAD_OF_SLOPE, _SPREAD_OF_SHIFT = 1.0, 1.0  # of the prior; of the slope's logarithm


def fit_calibration(z: Scores, targets: Scores, *, exclusive: bool) -> Line:
    """Slope (positive) and shift for raw scores (n, tags), by the likelihood of their targets."""
    scores, right = torch.from_numpy(z).double(), torch.from_numpy(targets).double()
    tags = z.shape[1]
    log_slope = torch.zeros(1 if exclusive else tags, dtype=torch.float64, requires_grad=True)
    shift = torch.zeros(tags, dtype=torch.float64, requires_grad=not exclusive)

    def loss() -> Tensor:
        scaled = scores * log_slope.exp() + shift
        if exclusive:
            likelihood = functional.cross_entropy(scaled, right, reduction="sum")
        else:
            likelihood = functional.binary_cross_entropy_with_logits(scaled, right, reduction="sum")
        prior = (log_slope / _SPREAD_OF_SLOPE) ** 2 / 2
        return likelihood + prior.sum() + ((shift / _SPREAD_OF_SHIFT) ** 2 / 2).sum()

    if len(z):
        _minimise(loss, [log_slope] if exclusive else [log_slope, shift])
    slope = log_slope.detach().exp().expand(tags)
    return slope.numpy().astype(np.float32), shift.detach().numpy().astype(np.float32)


def _minimise(loss: Callable[[], Tensor], parameters: list[Tensor]) -> None:
    optimizer = torch.optim.LBFGS(parameters, max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        torch.autograd.backward(value)
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]


def folds(count: int) -> NDArray[np.int64]:
    """The fold of each of `count` examples, (count,)."""
    return np.arange(count) % FOLDS


def cross_fitted(z: Scores, targets: Scores, *, exclusive: bool) -> Scores:
    """Scores (n, tags) calibrated by the other folds only: what figures may be taken from."""
    found = np.array(z, np.float32)
    fold = folds(len(z))
    for number in range(FOLDS):
        inside = fold == number
        slope, shift = fit_calibration(z[~inside], targets[~inside], exclusive=exclusive)
        found[inside] = z[inside] * slope + shift
    return found
