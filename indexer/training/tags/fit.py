"""Fit a tag head: train it, calibrate it, choose thresholds, and measure it.

The validation pictures are split in halves: one stops the training, the other calibrates. Figures
are those of the second half, where calibration and thresholds for each picture are fitted without
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.errors import DatasetError
from indexer.progress import Progress
from indexer.tag_head import (
    CAPTIONED,
    PLAIN,
    TagHead,
    TagHeadFacts,
    as_probabilities,
    packed,
    parse_tag_head,
)
from indexer.training.loop import Epoch, train
from indexer.training.tags.calibration import FOLDS, cross_fit, fit_calibration, folds
from indexer.training.tags.examples import Examples
from indexer.training.tags.figures import Predictions, bootstrap_figures, f1, figures, intervals
from indexer.training.tags.model import TagModel, TagSettings, tag_task

HALF, BEST_F1 = "half", "f1"  # choices of thresholds
THRESHOLD_FROM_RIGHT = 8  # right pictures: with fewer, a tag's threshold stays at one half
_THRESHOLDS = np.linspace(0.05, 0.95, 91, dtype=np.float32)
_MIN_CALIBRATING = 2 * FOLDS  # pictures

Array = NDArray[np.float32]


@dataclass(slots=True)
class TagFit:
    """The result of `fit`: the head, its epochs, and its figures on the calibrating half."""

    head: TagHead | None = None
    epochs: list[dict[str, Any]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def fit(
    data: tuple[Examples, Examples],
    facts: TagHeadFacts,
    settings: TagSettings,
    fitted: TagFit,
    *,
    threshold: str = HALF,
    checkpoint: Path | None = None,
    curves: Path | None = None,
) -> Iterator[Progress | Epoch]:
    """Fit a head to (training, validation) examples; yields progress and epochs, fills `fitted`.

    Raises `DatasetError` for too few validation pictures.
    """
    learned, validation = data
    stopping, calibrating = halves(validation)
    if len(calibrating) < _MIN_CALIBRATING:
        raise DatasetError(
            f"{len(validation)} labelled pictures are too few to validate on; hold out at least "
            f"{2 * _MIN_CALIBRATING} with --validation"
        )
    model = TagModel(learned, facts.input, exclusive=facts.exclusive, dropout=settings.dropout)
    key = repr((settings, facts, learned.names, learned.v_i.sum(), learned.targets.sum()))
    task = tag_task(model, learned, stopping, settings, key)
    for event in train(task, settings.loop, checkpoint=checkpoint, curves=curves):
        if isinstance(event, Epoch):
            fitted.epochs.append(asdict(event))
        yield event
    weights: dict[str, Array] = model.exported() | _identity(len(facts.tags))
    rough = parse_tag_head(packed(facts, weights, {}), "the head in training")
    fitted.figures = _calibrate(rough, calibrating, weights, threshold)
    described = asdict(settings) | {"threshold": threshold}
    fitted.head = parse_tag_head(packed(facts, weights, described), "the head in training")


def halves(validation: Examples) -> tuple[Examples, Examples]:
    """Examples that stop the training and examples that calibrate, alternating by name."""
    first = np.arange(len(validation)) % 2 == 0
    return validation.take(first), validation.take(~first)


def predict(head: TagHead, data: Examples) -> Predictions:
    """The predictions of a head for examples, with the right tags."""
    probabilities = head.probabilities(data.v_i, data.v_t, data.has_caption)
    given = head.holds(probabilities)
    return Predictions(probabilities, given, data.targets, head.facts.exclusive)


def figures_with_intervals(predicted: Predictions) -> dict[str, Any]:
    """Figures with their 95 % intervals, and the number of pictures."""
    values: dict[str, Any] = {"pictures": len(predicted.targets), **figures(predicted)}
    return values | {"ci95": intervals(bootstrap_figures(predicted))}


def _identity(tags: int) -> dict[str, Array]:
    """A calibration that changes nothing, and thresholds of one half."""
    return {
        "slope": np.ones((2, tags), np.float32),
        "shift": np.zeros((2, tags), np.float32),
        "threshold": np.full(tags, 0.5, np.float32),
    }


def _calibrate(
    rough: TagHead, data: Examples, weights: dict[str, Array], threshold: str
) -> dict[str, Any]:
    """Put calibration and thresholds into `weights`; returns unbiased figures."""
    exclusive = rough.facts.exclusive
    plain = data.without_captions()
    z = rough.raw(data.v_i, data.v_t, data.has_caption)
    scores = cross_fit(
        rough.raw(plain.v_i, plain.v_t, plain.has_caption), data.targets, exclusive=exclusive
    )
    for kind, rows, there in (
        (PLAIN, rough.raw(plain.v_i, plain.v_t, plain.has_caption), np.ones(len(data), np.bool_)),
        (CAPTIONED, z, data.has_caption),
    ):
        if there.sum() >= _MIN_CALIBRATING:
            line = fit_calibration(rows[there], data.targets[there], exclusive=exclusive)
        weights["slope"][kind], weights["shift"][kind] = line
    if data.has_caption.sum() >= _MIN_CALIBRATING:
        there = data.has_caption
        scores[there] = cross_fit(z[there], data.targets[there], exclusive=exclusive)
    probabilities = as_probabilities(scores, exclusive=exclusive)
    given = probabilities >= 0.5
    if threshold == BEST_F1:
        weights["threshold"] = _best_thresholds(probabilities, data.targets)
        given = _cross_fit_given(probabilities, data.targets)
    before = Predictions(as_probabilities(z, exclusive=exclusive), given, data.targets, exclusive)
    predicted = Predictions(probabilities, given, data.targets, exclusive)
    return figures_with_intervals(predicted) | {"ece_uncalibrated": figures(before)["ece"]}


def _best_thresholds(probabilities: Array, targets: Array) -> Array:
    """The threshold of each tag with the best F1."""
    best = np.full(targets.shape[1], 0.5, np.float32)
    for tag in range(targets.shape[1]):
        if targets[:, tag].sum() >= THRESHOLD_FROM_RIGHT:
            p, right = probabilities[:, tag], targets[:, tag]
            values = [f1(p >= threshold, right) for threshold in _THRESHOLDS]
            best[tag] = _THRESHOLDS[int(np.argmax(values))]
    return best


def _cross_fit_given(probabilities: Array, targets: Array) -> NDArray[np.bool_]:
    """The tags that each fold is given, by thresholds chosen on the other folds."""
    fold = folds(len(probabilities))
    given = np.zeros(probabilities.shape, np.bool_)
    for number in range(FOLDS):
        inside = fold == number
        thresholds = _best_thresholds(probabilities[~inside], targets[~inside])
        given[inside] = probabilities[inside] >= thresholds
    return given
