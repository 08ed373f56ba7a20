"""Calibration and the figures of tags: properties that hold of any scores."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from indexer.metrics.bootstrap import intervals as rank_intervals
from indexer.metrics.recall import RetrievalRanks
from indexer.tag_head import as_probabilities
from indexer.training.tags.calibration import cross_fit, fit_calibration, folds
from indexer.training.tags.figures import (
    Predictions,
    average_precision,
    bootstrap_figures,
    f1,
    figures,
    intervals,
)

quick = settings(max_examples=40, deadline=None)
SCORES = arrays(np.float32, (30, 3), elements=st.floats(-20, 20, width=32))
SEEDS = st.integers(0, 10**6)


def likelihood(probabilities, targets, exclusive) -> float:
    p = np.clip(probabilities.astype(np.float64), 1e-12, 1 - 1e-12)
    if exclusive:
        return float(np.log((p * targets).sum(1)).sum())
    return float((targets * np.log(p) + (1 - targets) * np.log(1 - p)).sum())


def chance_targets(seed: int, exclusive: bool) -> np.ndarray:
    random = np.random.default_rng(seed)
    if exclusive:
        return np.eye(3, dtype=np.float32)[random.integers(0, 3, 30)]
    return (random.random((30, 3)) < 0.3).astype(np.float32)


@quick
@given(SCORES, SEEDS, st.booleans())
def test_calibration_never_makes_what_it_was_fitted_to_less_likely(z, seed, exclusive):
    targets = chance_targets(seed, exclusive)
    slope, shift = fit_calibration(z, targets, exclusive=exclusive)
    before = likelihood(as_probabilities(z, exclusive=exclusive), targets, exclusive)
    after = likelihood(as_probabilities(z * slope + shift, exclusive=exclusive), targets, exclusive)
    assert after >= before - 1e-2 * max(1, abs(before))


@quick
@given(SCORES, SEEDS, st.booleans())
def test_calibration_keeps_the_order_of_pictures_within_a_tag(z, seed, exclusive):
    slope, shift = fit_calibration(z, chance_targets(seed, exclusive), exclusive=exclusive)
    assert (slope > 0).all()
    if exclusive:
        assert (slope == slope[0]).all()
        assert (shift == 0).all()
        scaled = as_probabilities(z * slope, exclusive=True)
        raw = as_probabilities(z, exclusive=True)
        second, first = np.sort(z, axis=1)[:, -2:].T
        clear = (first - second) * min(1, slope[0]) > 1e-5  # else rounding decides which is first
        assert np.array_equal(raw.argmax(1)[clear], scaled.argmax(1)[clear])


@quick
@given(SCORES)
def test_probabilities_lie_between_0_and_1_and_add_up_where_one_tag_is_right(z):
    for exclusive in (True, False):
        p = as_probabilities(z * 50, exclusive=exclusive)
        assert np.isfinite(p).all()
        assert ((p >= 0) & (p <= 1)).all()
    assert as_probabilities(z, exclusive=True).sum(1) == pytest.approx(np.ones(30), abs=1e-5)


def sure_of_itself(count: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Scores three times too large and one too high for what is right."""
    random = np.random.default_rng(5)
    true = random.normal(0, 1.5, (count, 2)).astype(np.float32)
    right = random.random(true.shape) < 1 / (1 + np.exp(-true))
    return 3 * true + 1, right.astype(np.float32)


def test_line_that_was_bent_is_found():
    z, targets = sure_of_itself()
    slope, shift = fit_calibration(z, targets, exclusive=False)
    assert slope == pytest.approx(np.full(2, 1 / 3), abs=0.04)
    assert shift == pytest.approx(np.full(2, -1 / 3), abs=0.12)


def test_temperature_that_was_lost_is_found():
    random = np.random.default_rng(6)
    true = random.normal(0, 1.5, (4000, 3)).astype(np.float32)
    chosen = (as_probabilities(true, exclusive=True).cumsum(1) < random.random((4000, 1))).sum(1)
    targets = np.eye(3, dtype=np.float32)[np.minimum(chosen, 2)]
    slope, _ = fit_calibration(4 * true, targets, exclusive=True)
    assert slope == pytest.approx(np.full(3, 0.25), abs=0.03)


def test_calibrated_probabilities_mean_what_they_say():
    z, targets = sure_of_itself()
    before = as_probabilities(z, exclusive=False)
    after = as_probabilities(cross_fit(z, targets, exclusive=False), exclusive=False)
    errors = [
        figures(Predictions(p, p >= 0.5, targets, exclusive=False))["ece"] for p in (before, after)
    ]
    assert errors[0] > 10
    assert errors[1] < 3


def test_no_picture_is_calibrated_by_itself():
    z, targets = sure_of_itself(60)
    found = cross_fit(z, targets, exclusive=False)
    turned = targets.copy()
    turned[7] = 1 - turned[7]
    again = cross_fit(z, turned, exclusive=False)
    assert found[7] == pytest.approx(again[7])
    others = folds(60) != folds(60)[7]
    assert not np.allclose(found[others], again[others])


def test_tag_of_few_pictures_is_hardly_bent():
    slope, shift = fit_calibration(
        np.array([[4.0]], np.float32), np.zeros((1, 1), np.float32), exclusive=False
    )
    assert 0.2 < slope[0] < 1
    assert -1.2 < shift[0] < 0
    nothing = np.zeros((0, 2), np.float32)
    slope, shift = fit_calibration(nothing, nothing, exclusive=False)
    assert (slope.tolist(), shift.tolist()) == ([1, 1], [0, 0])


def naive_precision(scores, right) -> float:
    """Average precision by its definition, over the different scores from high to low."""
    found, before = 0.0, 0.0
    for level in sorted(set(scores.tolist()), reverse=True):
        at = scores >= level
        recall = right[at].sum() / right.sum()
        found += (recall - before) * right[at].mean()
        before = recall
    return found


@quick
@given(arrays(np.int64, 25, elements=st.integers(0, 6)), SEEDS)
def test_average_precision_is_that_of_its_definition(scores, seed):
    right = (np.random.default_rng(seed).random(25) < 0.4).astype(np.float64)
    right[0] = 1
    assert average_precision(scores, right) == pytest.approx(naive_precision(scores, right))


def test_f1_by_hand():
    given_, right = np.array([1, 1, 0, 0], bool), np.array([1.0, 0, 1, 0])
    assert f1(given_, right) == pytest.approx(0.5)
    assert f1(np.zeros(4, bool), np.zeros(4)) == 0


def test_figures_of_perfect_and_of_wrong_predictions():
    targets = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    perfect = figures(Predictions(targets, targets > 0, targets, exclusive=True))
    assert perfect == {"macro_ap": 100, "macro_f1": 100, "accuracy": 100, "ece": 0}
    turned = np.roll(targets, 1, axis=1)
    wrong = figures(Predictions(turned, turned > 0, targets, exclusive=True))
    assert (wrong["accuracy"], wrong["macro_f1"], wrong["ece"]) == (0, 0, 100)
    half = np.full((4, 1), 0.75, np.float32)
    said = figures(Predictions(half, half > 0, np.array([[1.0], [1], [0], [0]], np.float32), False))
    assert said["ece"] == 25


def test_intervals_hold_the_figure_and_shrink_with_more_pictures():
    z, targets = sure_of_itself()
    p = as_probabilities(z, exclusive=False)
    widths = []
    for count in (100, 4000):
        predicted = Predictions(p[:count], p[:count] >= 0.5, targets[:count], exclusive=False)
        low, high = intervals(bootstrap_figures(predicted, resamples=300))["macro_ap"]
        assert low <= figures(predicted)["macro_ap"] <= high
        widths.append(high - low)
    assert widths[1] < widths[0] / 3


def test_tags_are_drawn_as_the_answers_of_searches_are():
    """Accuracy where one tag is right is what recall@1 is: the interval must be the same."""
    z, targets = sure_of_itself(80)
    p = as_probabilities(z, exclusive=True)
    one = np.eye(2, dtype=np.float32)[targets[:, 0].astype(int)]
    predicted = Predictions(p, p >= 0.5, one, exclusive=True)
    right = p.argmax(1) == one.argmax(1)
    found = RetrievalRanks(np.where(right, 1, 2), np.arange(80))
    assert intervals(bootstrap_figures(predicted))["accuracy"] == rank_intervals(found)["r@1"]


def test_draws_without_a_figure_do_not_count():
    """The one right picture of a tag is not bootstrap_figures in every third sample."""
    targets = np.zeros((20, 1), np.float32)
    targets[0] = 1
    p = np.linspace(0.9, 0.1, 20, dtype=np.float32)[:, None]
    sample = bootstrap_figures(Predictions(p, p >= 0.5, targets, exclusive=False))
    assert 0.2 < np.isnan(sample["macro_ap"]).mean() < 0.5
    assert intervals(sample)["macro_ap"] == [100, 100]
