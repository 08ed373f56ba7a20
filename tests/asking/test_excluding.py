"""Taking away: what is like the negative leaves the hits, what is asked for stays."""

import numpy as np
import pytest
from colour_encoder import DIM
from command_line import sample_library
from test_compressed import _small, bring_up  # noqa: F401 - makes small libraries compressed
from test_searcher import fill

from indexer import IndexOptions, Library, index_folder
from indexer.embedding import unit_rows
from indexer.vectors.nearest import Selection, scores
from indexer.vectors.scoring import CentredIndex
from search import Query, Searcher
from search.query.embedding import EmbeddedQuery, NegativeTerm
from search.ranking.excluding import NEAR, PENALTY, SOFTNESS, nearest_without, with_best_scores

NOBODY = np.zeros(0, np.int64)


def names(answer):
    return [hit.path.name for hit in answer.hits]


def brute_force(stored, embedded, weight):
    """The score of every row by the formula, from the exact scores of each query."""
    found = scores(stored, embedded.q, weight).astype(np.float64)
    for taken in embedded.without:
        negative = scores(stored, taken.row, weight).astype(np.float64)
        likest = negative[np.isfinite(negative)].max()
        found -= taken.weight * taken_off(negative, likest)
    return found


def taken_off(score, likest):
    """The penalty of a negative term of weight 1 for a picture with this score."""
    with np.errstate(over="ignore"):
        return PENALTY / (1 + np.exp(-(score - NEAR * likest) / SOFTNESS))


def asked(seed, negatives, factor=1.0):
    rows = unit_rows(np.random.default_rng(seed).normal(size=(1 + negatives, DIM)))
    without = tuple(NegativeTerm(n, factor, row) for n, row in enumerate(rows[1:], start=1))
    return EmbeddedQuery(rows[0], (), rows[:1], without)


@pytest.mark.parametrize("weight", [0, 0.3, 0.5, 1])
@pytest.mark.parametrize(("negatives", "factor"), [(1, 1.0), (2, 0.5), (1, 40.0)])
def test_best_are_those_of_brute_force(library, weight, negatives, factor):
    fill(library, 900, 1)
    stored = CentredIndex.in_index(library.vectors(), {})
    assert stored.index.compressed is None
    for seed in range(5):
        embedded = with_best_scores(stored, asked(seed, negatives, factor), weight)
        expected = brute_force(stored, embedded, weight)
        best = np.argsort(-expected, kind="stable")[:10]
        positions, found = nearest_without(stored, embedded, weight, Selection(10, NOBODY))
        assert positions.tolist() == best.tolist()
        assert found == pytest.approx(expected[best], abs=1e-5)


def test_best_of_a_part_are_those_of_brute_force(library):
    fill(library, 900, 1)
    stored = CentredIndex.in_index(library.vectors(), {})
    embedded, only = with_best_scores(stored, asked(3, 1), 0.5), np.arange(0, 900, 7)
    barred = only[:9]
    expected = brute_force(stored, embedded, 0.5)
    allowed = np.setdiff1d(only, barred)
    best = allowed[np.argsort(-expected[allowed], kind="stable")[:20]]
    positions, _ = nearest_without(stored, embedded, 0.5, Selection(20, barred, only))
    assert positions.tolist() == best.tolist()
    positions, _ = nearest_without(stored, embedded, 0.5, Selection(999, barred, only))
    assert sorted(positions) == allowed.tolist()


def test_large_library_is_answered_exactly_too(library):
    fill(library, 2000, 1)
    bring_up(library)
    stored = CentredIndex.in_index(library.vectors(), library.encoder.means)
    assert stored.index.compressed is not None
    for seed in range(20):
        embedded = with_best_scores(stored, asked(seed, 1), 0.5)
        best = np.argsort(-brute_force(stored, embedded, 0.5), kind="stable")[:10]
        positions, _ = nearest_without(stored, embedded, 0.5, Selection(10, NOBODY))
        assert positions.tolist() == best.tolist()


def test_pages_neither_repeat_a_picture_nor_skip_one(library):
    fill(library, 900, 1)
    searcher, query = Searcher(library), Query.parse(["red", "-", "blue"])
    whole = [hit.picture_id for hit in searcher.search(query, k=300).hits]
    pages = [searcher.search(query, k=30, offset=first).hits for first in range(0, 300, 30)]
    assert [hit.picture_id for hits in pages for hit in hits] == whole


def test_taking_away_a_kind_leaves_the_others_of_it(library, paint, pictures):
    """A red picture, a purple one (red and blue), a yellow one (red and green)."""
    for colour in ("red", "purple", "yellow", "blue", "black"):
        paint(f"{colour}.png")
    index_folder(library, pictures, options=IndexOptions(workers=1))
    searcher = Searcher(library)
    alone, lowered = (
        {hit.path.name: hit.score for hit in searcher.search(Query.parse(words)).hits}
        for words in (["red"], ["red", "-", "purple"])
    )
    assert list(alone)[1] in {"purple.png", "yellow.png"}
    assert list(lowered)[:2] == ["red.png", "yellow.png"]
    lost = {name: alone[name] - lowered[name] for name in alone}
    assert lost["purple.png"] == pytest.approx(taken_off(1, 1), abs=1e-2)
    assert 0 < lost["yellow.png"] < lost["red.png"] < lost["purple.png"]


def test_more_weight_takes_more_away(colour_library):
    searcher = Searcher(colour_library)
    scored = [
        {hit.path.name: hit.score for hit in searcher.search(Query.parse(words)).hits}["red.png"]
        for words in (["yellow"], ["yellow", "-", "0.5:red"], ["yellow", "-", "2:red"])
    ]
    assert scored == sorted(scored, reverse=True)
    assert scored[0] - scored[2] == pytest.approx(2 * taken_off(1, 1), abs=1e-2)


def test_sample_mountains_without_snow(tmp_path_factory):
    with Library.open(sample_library(tmp_path_factory), read_only=True) as sample:
        searcher = Searcher(sample)
        snowy = {"mountain-lake.jpg", "mountain-path.jpg"}
        assert snowy == set(names(searcher.search("mountain", k=2)))
        assert not snowy & set(names(searcher.search(Query.parse(["mountain", "-", "snow"]), k=3)))
