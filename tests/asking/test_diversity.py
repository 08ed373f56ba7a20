"""Diverse answers: maximal marginal relevance."""

import numpy as np
import pytest
from command_line import answered, sample_library
from hypothesis import given
from hypothesis import strategies as st

from indexer import Library
from indexer.embedding import unit_rows
from search import Searcher
from search.query.options import DIVERSITY
from search.ranking.diversity import diverse_order, pool_of


def greedy(scores, rows, strength):
    """Carbonell and Goldstein's formula, read off word by word."""
    order, waiting = [], list(range(len(scores)))
    while waiting:
        worth = [
            (1 - strength) * float(scores[i])
            - (strength * max(float(rows[i] @ rows[j]) for j in order) if order else 0)
            for i in waiting
        ]
        order.append(waiting.pop(int(np.argmax(worth))))
    return order


@given(st.integers(0, 2**32 - 1), st.integers(0, 25), st.floats(0, 1))
def test_order_is_that_of_the_formula(seed, n, strength):
    random = np.random.default_rng(seed)
    scores = np.sort(random.random(n).astype(np.float32))[::-1]
    rows = unit_rows(random.normal(size=(n, 6)).astype(np.float32))
    order = diverse_order(scores, rows, strength)
    assert sorted(order.tolist()) == list(range(n))
    expected = greedy(scores, rows, strength)
    first = next((k for k in range(n) if order[k] != expected[k]), n)
    if first < n:  # rounding may turn two that are equally worth
        values = [
            (1 - strength) * float(scores[i])
            - strength * max((float(rows[i] @ rows[j]) for j in expected[:first]), default=0)
            for i in (order[first], expected[first])
        ]
        assert values[0] == pytest.approx(values[1], abs=1e-5)


def test_no_strength_leaves_the_order_and_full_strength_goes_far_away():
    scores = np.array([0.9, 0.8, 0.1], np.float32)
    rows = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    assert diverse_order(scores, rows, 0.0).tolist() == [0, 1, 2]
    assert diverse_order(scores, rows, 1.0).tolist() == [0, 2, 1]


def test_pool_grows_with_the_page_within_limits():
    assert [pool_of(k) for k in (1, 10, 48, 1000)] == [50, 50, 240, 500]


def test_diverse_photographs_are_less_alike_and_the_best_stays_first(tmp_path_factory):
    with Library.open(sample_library(tmp_path_factory), read_only=True) as library:
        searcher = Searcher(library)
        plain, diverse = (searcher.search("an animal", k=8, diverse=s) for s in (0.0, 0.5))
        alike = []
        for answer in (plain, diverse):
            rows = library.embedded([hit.picture_id for hit in answer.hits]).v_i
            alike.append(np.triu(rows @ rows.T, 1).sum())
    assert plain.hits[0].path == diverse.hits[0].path
    assert alike[1] < alike[0]


def test_command_takes_diverse_and_how_much(tmp_path_factory):
    library = sample_library(tmp_path_factory)
    asked = ("search", "an", "animal", "--library", library, "-k", 8, "--all")
    paths = [
        [hit["path"] for hit in answered(*asked, *more)["hits"]]
        for more in ((), ("--diversity", 0), ("--diverse",), ("--diversity", DIVERSITY))
    ]
    assert paths[0] == paths[1]
    assert paths[2] == paths[3] != paths[0]
