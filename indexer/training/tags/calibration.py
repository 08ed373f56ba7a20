"""Calibration: turns raw scores into reliable probabilities.

Exclusive tags share one temperature (Guo et al., 2017); other tags have a line of their own
(Platt, 1999). A prior pulls both towards leaving the scores unchanged, so that a tag with few
pictures is not fitted to their chance.
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
_SLOPE_SPREAD, _SHIFT_SPREAD = 1.0, 1.0  # of the prior: for the slope's logarithm, for the shift


def fit_calibration(z: Scores, targets: Scores, *, exclusive: bool) -> Line:
    """Slope (positive) and shift for raw scores (n, tags), by maximum likelihood of the targets."""
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
        prior = (log_slope / _SLOPE_SPREAD) ** 2 / 2
        return likelihood + prior.sum() + ((shift / _SHIFT_SPREAD) ** 2 / 2).sum()

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


def cross_fit(z: Scores, targets: Scores, *, exclusive: bool) -> Scores:
    """Calibrate the scores (n, tags) of each fold by the others, for unbiased figures."""
    calibrated = np.array(z, np.float32)
    fold = folds(len(z))
    for number in range(FOLDS):
        inside = fold == number
        slope, shift = fit_calibration(z[~inside], targets[~inside], exclusive=exclusive)
        calibrated[inside] = z[inside] * slope + shift
    return calibrated
