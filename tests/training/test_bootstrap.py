"""Bootstrap intervals: pictures are drawn anew, each with all its queries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.metrics.bootstrap import (
    RESAMPLES,
    curve,
    difference,
    draws,
    intervals,
    weighted_medians,
)
from indexer.metrics.recall import RetrievalRanks, figures

FIGURES = ("r@1", "r@5", "r@10", "median_rank", "mrr")
DIFFERENCES = ("r@1", "r@5", "r@10", "mrr")


def answers(pictures: int, each: int, seed: int = 0, *, alike: bool = False) -> RetrievalRanks:
    """Random ranks of `each` queries a picture; `alike`: those of a picture have one rank."""
    random = np.random.default_rng(seed)
    ranks = random.geometric(0.3, pictures * (1 if alike else each))
    return RetrievalRanks(
        np.repeat(ranks, each if alike else 1), np.repeat(np.arange(pictures), each)
    )


@st.composite
def found_answers(draw):
    """Some pictures, each asked for by one to six queries."""
    counts = draw(st.lists(st.integers(1, 6), min_size=2, max_size=40))
    ranks = draw(st.lists(st.integers(1, 30), min_size=sum(counts), max_size=sum(counts)))
    return RetrievalRanks(np.array(ranks), np.repeat(np.arange(len(counts)), counts))


def widths(found: RetrievalRanks) -> dict[str, float]:
    return {name: high - low for name, (low, high) in intervals(found).items()}


@settings(max_examples=60, deadline=None)
@given(found_answers())
def test_interval_contains_the_figure(found):
    measured = figures(found.ranks)
    spans = intervals(found)
    assert list(spans) == list(FIGURES)
    for name, (low, high) in spans.items():
        assert low - 0.011 <= measured[name] <= high + 0.011, name


@settings(max_examples=30, deadline=None)
@given(found_answers())
def test_identical_systems_differ_by_nothing(found):
    same = difference(found, RetrievalRanks(found.ranks.copy(), found.pictures))
    assert same.by == dict.fromkeys(DIFFERENCES, 0)
    assert same.ci95 == {name: [0, 0] for name in DIFFERENCES}
    assert same.verdict() == 0


@settings(max_examples=30, deadline=None)
@given(found_answers(), st.integers(0, 2**32 - 1))
def test_difference_is_that_of_the_figures(found, seed):
    ranks = np.random.default_rng(seed).integers(1, 30, len(found.ranks))
    one, other = figures(found.ranks), figures(ranks)
    gap = difference(found, RetrievalRanks(ranks, found.pictures))
    for name in DIFFERENCES:
        assert gap.by[name] == pytest.approx(one[name] - other[name], abs=0.02)
        low, high = gap.ci95[name]
        assert low - 0.011 <= gap.by[name] <= high + 0.011


@settings(max_examples=30, deadline=None)
@given(found_answers(), st.randoms(use_true_random=False))
def test_order_and_numbers_of_the_pictures_do_not_matter(found, random):
    order = np.array(random.sample(range(len(found.ranks)), len(found.ranks)))
    moved = RetrievalRanks(found.ranks[order], found.pictures[order] * 7 + 3)
    assert intervals(moved) == intervals(found)


def test_interval_is_wider_with_fewer_pictures():
    many, few = widths(answers(2000, 5)), widths(answers(50, 5))
    for name in ("r@1", "r@5", "mrr"):
        assert few[name] > 3 * many[name], name  # the square root of 40 is 6


def test_captions_of_one_picture_are_no_independent_witnesses():
    alike, apart = answers(400, 5, alike=True), answers(400, 5)
    once = RetrievalRanks(alike.ranks[::5], alike.pictures[::5])
    assert widths(alike)["r@1"] == widths(once)["r@1"]  # asking five times makes nothing surer
    assert widths(alike)["r@1"] > 1.7 * widths(apart)["r@1"]  # the square root of 5 is 2.2


def test_interval_is_as_wide_as_theory_says():
    found = answers(1000, 1)
    share = (found.ranks <= 1).mean()
    assert widths(found)["r@1"] == pytest.approx(
        2 * 1.96 * 100 * np.sqrt(share * (1 - share) / 1000), rel=0.1
    )


def test_paired_difference_is_surer_than_two_intervals():
    found = answers(150, 4)
    better = RetrievalRanks(np.maximum(1, found.ranks - (found.pictures % 5 == 0)), found.pictures)
    gap = difference(better, found)
    assert gap.verdict() == 1
    assert difference(found, better).verdict() == -1
    assert gap.ci95["r@1"][1] - gap.ci95["r@1"][0] < widths(found)["r@1"]
    assert intervals(better)["mrr"][0] < intervals(found)["mrr"][1]  # these two overlap


def test_systems_that_were_asked_otherwise_are_not_compared():
    with pytest.raises(ValueError, match="same queries"):
        difference(answers(10, 2), answers(20, 1))


def test_intervals_are_the_same_at_every_run():
    assert intervals(answers(300, 5)) == intervals(answers(300, 5))
    assert difference(answers(300, 5, 1), answers(300, 5, 2)) == difference(
        answers(300, 5, 1), answers(300, 5, 2)
    )


def test_draws_do_not_depend_on_how_much_fits_into_memory():
    at_once = np.concatenate(list(draws(50, 50, RESAMPLES)))
    in_parts = list(draws(50, 400_000, RESAMPLES))
    assert len(in_parts) == 200
    assert at_once.shape == (RESAMPLES, 50)
    assert (at_once.sum(axis=1) == 50).all()
    assert np.array_equal(np.concatenate(in_parts), at_once)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 50), st.integers(0, 3)), min_size=1, max_size=40).filter(
        lambda pairs: any(times for _, times in pairs)
    )
)
def test_weighted_median_is_that_of_the_repeated_ranks(pairs):
    ranks, times = np.array(sorted(pairs)).T
    (median,) = weighted_medians(ranks, times[None, :].astype(float))
    assert median == np.median(np.repeat(ranks, times))


def test_curve_is_recall_at_every_k_within_its_band():
    found = answers(200, 5)
    recall, low, high = curve(found, 12)
    assert recall == pytest.approx([100 * (found.ranks <= k).mean() for k in range(1, 13)])
    assert (np.diff(recall) >= 0).all()
    assert (low <= recall).all()
    assert (recall <= high).all()
    assert [low[4], high[4]] == pytest.approx(intervals(found)["r@5"], abs=0.006)


def test_nothing_asked_has_no_intervals():
    assert intervals(RetrievalRanks(np.zeros(0, np.int64), np.zeros(0, np.int64))) == {}
