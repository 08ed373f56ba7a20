"""Figures of predicted tags, with bootstrap intervals over the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.metrics.bootstrap import RESAMPLES, Numbers, draws, interval_ends

BINS = 15  # of the calibration error
NAMES = ("macro_ap", "macro_f1", "accuracy", "ece")


@dataclass(frozen=True, slots=True)
class Predictions:
    """Probabilities, tags that are given, and tags that are right, each (n, tags).

    `exclusive`: exactly one tag is right for each picture.
    """

    probabilities: NDArray[np.float32]
    given: NDArray[np.bool_]
    targets: NDArray[np.float32]
    exclusive: bool


def figures(predicted: Predictions) -> dict[str, float]:
    """Macro average precision, macro F1, accuracy and expected calibration error, in per cent.

    For exclusive tags, accuracy and calibration error are those of the likeliest tag. Otherwise
    accuracy is the share of pictures with all tags right, and the calibration error is the mean
    over tags.
    """
    weighted = _weighted_figures(predicted, np.ones((1, len(predicted.targets))))
    return {name: round(100 * float(values[0]), 2) for name, values in weighted.items()}


def bootstrap_figures(predicted: Predictions, *, resamples: int = RESAMPLES) -> dict[str, Numbers]:
    """Each figure on every bootstrap sample of the pictures, (resamples,).

    The samples are always the same, so predictions of the same pictures can be compared pairwise.
    """
    count = len(predicted.targets)
    parts = [_weighted_figures(predicted, times) for times in draws(count, count, resamples)]
    return {name: 100 * np.concatenate([part[name] for part in parts]) for name in NAMES}


def intervals(samples: Mapping[str, Numbers]) -> dict[str, list[float]]:
    """The 95 % interval of each figure."""
    return {
        name: [round(float(end), 2) for end in interval_ends(values[:, None])[:, 0]]
        for name, values in samples.items()
    }


def average_precision(scores: NDArray[np.floating], right: NDArray[np.floating]) -> float:
    """Mean precision at each right picture, best score first; equal scores count as one rank."""
    return float(_average_precision(scores, right, np.ones((1, len(right))))[0])


def f1(given: NDArray[np.bool_], right: NDArray[np.floating]) -> float:
    """Harmonic mean of precision and recall of one tag; 0 if it is neither given nor right."""
    return float(_f1(given[:, None], right[:, None], np.ones((1, len(right))))[0, 0])


def _weighted_figures(predicted: Predictions, weights: Numbers) -> dict[str, Numbers]:
    """Every figure for each row of weights (draws, n)."""
    p, y = predicted.probabilities, predicted.targets
    precisions = [_average_precision(p[:, t], y[:, t], weights) for t in range(y.shape[1])]
    if predicted.exclusive:
        right = (p.argmax(1) == y.argmax(1)).astype(np.float64)
        errors = [_calibration_error(p.max(1), right, weights)]
    else:
        right = (predicted.given == (y > 0)).all(axis=1).astype(np.float64)
        errors = [_calibration_error(p[:, t], y[:, t], weights) for t in range(y.shape[1])]
    return {
        "macro_ap": _mean_of_numbers(np.array(precisions)),
        "macro_f1": _f1(predicted.given, y, weights).mean(axis=1),
        "accuracy": weights @ right / weights.sum(axis=1),
        "ece": np.mean(errors, axis=0),
    }


def _mean_of_numbers(values: Numbers) -> Numbers:
    """Mean (draws,) over the tags (tags, draws) that have a figure; NaN if none has."""
    known = (~np.isnan(values)).sum(axis=0)
    return np.where(known > 0, np.nansum(values, axis=0) / np.maximum(known, 1), np.nan)


def _average_precision(
    scores: NDArray[np.floating], right: NDArray[np.floating], weights: Numbers
) -> Numbers:
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.searchsorted(-ranked, -ranked, side="right") - 1  # of those with the same score
    seen = np.cumsum(weights[:, order], axis=1)[:, last]
    hits = weights[:, order] * right[order]
    precision = np.cumsum(hits, axis=1)[:, last] / np.maximum(seen, 1e-9)
    total = hits.sum(axis=1)
    return np.where(total > 0, (hits * precision).sum(axis=1) / np.maximum(total, 1e-9), np.nan)


def _f1(given: NDArray[np.bool_], right: NDArray[np.floating], weights: Numbers) -> Numbers:
    both = weights @ (given * right)
    either = weights @ given.astype(np.float64) + weights @ right
    return np.asarray(2 * both / np.maximum(either, 1e-9))


def _calibration_error(
    sure: NDArray[np.floating], right: NDArray[np.floating], weights: Numbers
) -> Numbers:
    """Mean distance between probability and share of right answers, in bins of equal width."""
    bins = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    inside = bins[:, None] == np.arange(BINS)
    gaps = weights @ (inside * (sure - right)[:, None])
    return np.asarray(np.abs(gaps).sum(axis=1) / weights.sum(axis=1))
