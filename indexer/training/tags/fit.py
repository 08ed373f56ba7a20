"""Fit a tag head: train it, calibrate it, choose thresholds, and say how good it is.

The validation pictures are halved: one half ends the training, the other calibrates. Figures are
of that other half, each picture judged by a calibration and thresholds fitted without it.
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
from indexer.training.tags.calibration import FOLDS, cross_fitted, fit_calibration, folds
from indexer.training.tags.examples import Examples
from indexer.training.tags.figures import Predictions, drawn, f1, figures, intervals
from indexer.training.tags.model import TagModel, TagSettings, tag_task

HALF, BEST_F1 = "half", "f1"  # how thresholds are chosen
THRESHOLD_FROM_RIGHT = 8  # right pictures below which a tag's threshold stays at one half
_GRID = np.linspace(0.05, 0.95, 91, dtype=np.float32)
_LEAST = 2 * FOLDS

Array = NDArray[np.float32]


@dataclass(slots=True)
class TagFit:
    """What fitting came to: the head, its epochs, its figures on the calibrating half."""

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
    if len(calibrating) < _LEAST:
        raise DatasetError(
            f"{len(validation)} labelled pictures are too few to validate on; hold out at least "
            f"{2 * _LEAST} with --validation"
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
    """The examples that end the training, and those that calibrate: every second one, by name."""
    first = np.arange(len(validation)) % 2 == 0
    return validation.take(first), validation.take(~first)


def judged(head: TagHead, data: Examples) -> Predictions:
    """What a head says of examples, beside what is right."""
    probabilities = head.probabilities(data.v_i, data.v_t, data.has_caption)
    given = head.holds(probabilities)
    return Predictions(probabilities, given, data.targets, head.facts.exclusive)


def with_intervals(predicted: Predictions) -> dict[str, Any]:
    """Figures with their 95 % intervals, and the number of pictures."""
    found: dict[str, Any] = {"pictures": len(predicted.targets), **figures(predicted)}
    return found | {"ci95": intervals(drawn(predicted))}


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
    """Put calibration and thresholds into `weights`; the figures, honestly taken."""
    exclusive = rough.facts.exclusive
    plain = data.without_captions()
    z = rough.raw(data.v_i, data.v_t, data.has_caption)
    scores = cross_fitted(
        rough.raw(plain.v_i, plain.v_t, plain.has_caption), data.targets, exclusive=exclusive
    )
    for kind, rows, there in (
        (PLAIN, rough.raw(plain.v_i, plain.v_t, plain.has_caption), np.ones(len(data), np.bool_)),
        (CAPTIONED, z, data.has_caption),
    ):
        if there.sum() >= _LEAST:
            line = fit_calibration(rows[there], data.targets[there], exclusive=exclusive)
        weights["slope"][kind], weights["shift"][kind] = line
    if data.has_caption.sum() >= _LEAST:
        there = data.has_caption
        scores[there] = cross_fitted(z[there], data.targets[there], exclusive=exclusive)
    probabilities = as_probabilities(scores, exclusive=exclusive)
    given = probabilities >= 0.5
    if threshold == BEST_F1:
        weights["threshold"] = _thresholds(probabilities, data.targets)
        given = _given_by_others(probabilities, data.targets)
    before = Predictions(as_probabilities(z, exclusive=exclusive), given, data.targets, exclusive)
    predicted = Predictions(probabilities, given, data.targets, exclusive)
    return with_intervals(predicted) | {"ece_uncalibrated": figures(before)["ece"]}


def _thresholds(probabilities: Array, targets: Array) -> Array:
    """The probability of each tag from which on giving it has the best F1."""
    found = np.full(targets.shape[1], 0.5, np.float32)
    for tag in range(targets.shape[1]):
        if targets[:, tag].sum() >= THRESHOLD_FROM_RIGHT:
            p, right = probabilities[:, tag], targets[:, tag]
            values = [f1(p >= level, right) for level in _GRID]
            found[tag] = _GRID[int(np.argmax(values))]
    return found


def _given_by_others(probabilities: Array, targets: Array) -> NDArray[np.bool_]:
    """Which tags thresholds give that were chosen on the other folds."""
    fold = folds(len(probabilities))
    given = np.zeros(probabilities.shape, np.bool_)
    for number in range(FOLDS):
        inside = fold == number
        chosen = _thresholds(probabilities[~inside], targets[~inside])
        given[inside] = probabilities[inside] >= chosen
    return given
