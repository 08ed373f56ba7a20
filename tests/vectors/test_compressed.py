"""The compressed index of a large library: it finds what the exact scan finds, and mends itself."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from colour_encoder import DIM
from test_searcher import fill

from indexer import Library
from indexer.doctor import examine, repair
from indexer.embedding import unit_rows
from indexer.library import segments
from indexer.vectors import compressed
from indexer.vectors import compression as compressing
from indexer.vectors import nearest as ranking_module
from indexer.vectors.compressed import LADDER, CompressedState, ViewState
from indexer.vectors.compression import compress
from indexer.vectors.nearest import Selection, candidates_of, nearest, ranked
from indexer.vectors.scoring import CentredIndex
from search import Query, Searcher, Term

WEIGHTS = (0, 0.2, 0.5, 0.7, 1)
_LARGE: list[Path] = []


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(compressed, "COMPRESS_FROM", 1000)
    monkeypatch.setattr(segments, "SEGMENT", 256)
    monkeypatch.setattr(compressing, "ROWS_PER_STEP", 512)


def bring_up(library):
    """The last steps of indexing."""
    library.save_vectors()
    return list(compress(library))


@pytest.fixture
def large(tmp_path, tmp_path_factory):
    """A library of 2,000 pictures, six in ten with a caption, and its compressed index."""
    with large_library(tmp_path, tmp_path_factory) as library:
        yield library


def large_library(tmp_path, tmp_path_factory):
    """A copy of such a library, which is made once a process: that takes seconds."""
    if not _LARGE:
        path = tmp_path_factory.mktemp("large") / "library"
        with Library.create(path, encoder="colour") as made:
            fill(made, 2000, 1)
            bring_up(made)
        _LARGE.append(path)
    return Library.open(shutil.copytree(_LARGE[0], tmp_path / "large"))


def rows_of(library):
    return CentredIndex.in_index(library.vectors(), library.encoder.means)


def queries(n=20, seed=9):
    return unit_rows(np.random.default_rng(seed).normal(size=(n, DIM)))


NOBODY = np.zeros(0, np.int64)


def test_small_library_has_no_compressed_index(library):
    fill(library, 900, 1)
    assert bring_up(library) == []
    assert library.compressed.views == ()
    assert library.vectors().compressed is None


def test_views_are_those_of_the_weights_that_can_be_asked(large):
    assert [view.weight for view in large.compressed.views] == [0, 0.5, 1]
    assert all(view.reached >= compressed.RECALL for view in large.compressed.views)
    assert large.vectors().compressed is not None
    large.set_fusion("mean")
    bring_up(large)
    assert [view.weight for view in large.compressed.views] == [0.5]


@pytest.mark.parametrize("weight", WEIGHTS)
def test_best_are_those_of_the_exact_scan_and_scored_alike(large, weight):
    stored, found = rows_of(large), 0
    for q in queries():
        exact, scores = ranked(stored, q, weight, Selection(10, NOBODY))
        positions, others = nearest(stored, q, weight, Selection(10, NOBODY))
        assert len(positions) == 10
        for place, score in zip(positions, others, strict=True):
            if place in exact:
                found += 1
                assert score == pytest.approx(scores[exact.tolist().index(place)], abs=1e-5)
    assert found >= 0.99 * 200


def test_no_more_views_are_held_than_a_query_needs(large):
    index = rows_of(large).index.compressed
    first = index.candidates(queries(1)[0], 0.5).pictures
    for weight in (0, 0.2, 0.7, 1):
        index.candidates(queries(1)[0], weight)
        assert len(index._views) <= compressed.MOST_OPEN_VIEWS
    np.testing.assert_array_equal(index.candidates(queries(1)[0], 0.5).pictures, first)


def test_compressed_index_is_asked_for_few_hits_and_not_for_many(large, monkeypatch):
    stored, asked = rows_of(large), []
    monkeypatch.setattr(
        ranking_module, "candidates_of", lambda *a: asked.append(1) or candidates_of(*a)
    )
    nearest(stored, queries(1)[0], 0.5, Selection(10, NOBODY))
    assert asked == [1]
    many, _ = nearest(stored, queries(1)[0], 0.5, Selection(1500, NOBODY))
    assert asked == [1]
    assert len(many) == 1500


def test_restricted_search_is_exact(large, monkeypatch):
    monkeypatch.setattr(ranking_module, "candidates_of", None)  # so that asking would fail
    stored = rows_of(large)
    only = np.arange(5, 2000, 7)
    everyone, scores = ranked(stored, queries(1)[0], 0.5, Selection(2000, NOBODY))
    found, others = nearest(stored, queries(1)[0], 0.5, Selection(10, NOBODY, only))
    expected = [place for place in everyone.tolist() if place in only][:10]
    assert found.tolist() == expected
    order = dict(zip(everyone.tolist(), scores, strict=True))
    assert others.tolist() == pytest.approx([order[place] for place in expected], abs=1e-5)


def test_barred_pictures_do_not_answer(large):
    stored, q = rows_of(large), queries(1)[0]
    first, _ = nearest(stored, q, 0.5, Selection(5, NOBODY))
    others, _ = nearest(stored, q, 0.5, Selection(5, np.sort(first)))
    assert not set(first) & set(others)
    assert others.tolist() == ranked(stored, q, 0.5, Selection(5, np.sort(first)))[0].tolist()


def test_new_and_deleted_pictures_are_dealt_with_before_the_index_is_made_anew(large):
    before = large.compressed
    fill(large, 50, 2)
    gone = Searcher(large).search("red", k=3).hits
    with large.writing() as batch:
        batch.pictures.mark_missing([hit.picture_id for hit in gone])
    bring_up(large)
    assert large.compressed.files == before.files  # too few to be worth it
    stored = rows_of(large)
    assert len(stored.index) == 2047
    for q in queries(10):
        exact, _ = ranked(stored, q, 0.5, Selection(10, NOBODY))
        found, _ = nearest(stored, q, 0.5, Selection(10, NOBODY))
        assert np.isin(exact, found).mean() >= 0.9
    hits = Searcher(large).search("red", k=10).hits
    assert not {hit.picture_id for hit in hits} & {hit.picture_id for hit in gone}


def test_index_grows_by_what_is_new(large):
    before = large.compressed
    fill(large, 600, 2)
    bring_up(large)
    after = large.compressed
    assert [view.trained for view in after.views] == [view.trained for view in before.views]
    assert after.view(1.0).rows >= 2600
    assert after.usable
    on_disk = {path.name for path in large.path.glob("vectors-*.ivf")}
    assert on_disk == after.files


def test_index_is_made_anew_when_the_library_has_doubled(large):
    fill(large, 3000, 2)
    bring_up(large)
    assert {view.trained for view in large.compressed.views} == {5000}
    assert large.compressed.usable


def test_grown_index_finds_what_one_made_anew_finds(large):
    fill(large, 600, 2)
    bring_up(large)
    stored, grown = rows_of(large), []
    for q in queries(10):
        grown.append(nearest(stored, q, 0.5, Selection(10, NOBODY))[0])
    large.put_compressed(replace(large.compressed, views=()))
    bring_up(large)
    stored = rows_of(large)
    shares = [
        np.isin(found, nearest(stored, q, 0.5, Selection(10, NOBODY))[0]).mean()
        for q, found in zip(queries(10), grown, strict=True)
    ]
    assert np.mean(shares) >= 0.98


def test_interrupted_build_goes_on_where_it_was(library, monkeypatch):
    fill(library, 2000, 1)
    library.save_vectors()
    steps = compress(library)
    for _ in range(2):
        next(steps)
    steps.close()  # as an interrupt does
    begun = library.compressed
    assert [view.weight for view in begun.views] == [0]
    assert 0 < len(begun.views[0].covered) < len(library.vectors().blocks)
    assert library.vectors().compressed is None  # it is not asked before it was measured
    added = []
    add = compressing._Maker._add
    monkeypatch.setattr(
        compressing._Maker,
        "_add",
        lambda self, view, keyed, *rest: (
            added.append(keyed.block.name) or add(self, view, keyed, *rest)
        ),
    )
    bring_up(library)
    assert not set(begun.views[0].covered) & set(
        added[: len(added) - 2 * len(library.vectors().blocks)]
    )
    assert library.compressed.usable
    assert len(library.compressed.views[0].covered) == len(library.vectors().blocks)


def test_run_without_changes_writes_nothing(large):
    before = {path: path.stat().st_mtime_ns for path in large.path.glob("vectors-*")}
    with Library.open(large.path) as again:
        assert bring_up(again) == []
    assert {path: path.stat().st_mtime_ns for path in large.path.glob("vectors-*")} == before


@pytest.mark.parametrize("damage", [b"", b"nonsense", None])
def test_damaged_file_is_not_trusted_and_made_again(large, damage):
    expected = Searcher(large).search("red", k=10).hits
    for view in large.compressed.views:
        path = large.path / view.file
        if damage is None:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[:-1] + damage)
    with Library.open(large.path, read_only=True) as reader:
        hits = Searcher(reader).search("red", k=10).hits
        assert [hit.picture_id for hit in hits] == [hit.picture_id for hit in expected]
        assert [h.score for h in hits] == pytest.approx([h.score for h in expected], abs=1e-5)
        assert reader.vectors().compressed is None
    with Library.open(large.path) as again:
        findings = [found for found in examine(again) if found.check == "vectors"]
        assert [(found.count, found.serious) for found in findings] == [(3, True)]
        repair(again, findings)
        assert [found for found in examine(again) if found.check == "vectors"] == []
        assert again.compressed.usable


def test_index_that_finds_too_little_is_not_used_and_said(large, monkeypatch):
    poor = {"picture": 0.9, "caption": 1.0}
    views = tuple(replace(view, recall=poor) for view in large.compressed.views)
    large.put_compressed(replace(large.compressed, views=views))
    assert large.compressed.reached == 0.9
    assert large.vectors().compressed is None
    assert [f.check for f in examine(large) if f.check == "vectors"] == ["vectors"]
    fill(large, 20, 3)  # the library changes: its lists are made anew
    bring_up(large)
    assert large.compressed.usable
    assert {view.trained for view in large.compressed.views} == {2020}


def test_more_is_looked_at_until_the_recall_is_reached(large, monkeypatch):
    found = iter([0.5] * 4 + [1.0] * 100)
    monkeypatch.setattr(compressing._Maker, "_recall", lambda *_: next(found))
    views = tuple(replace(view, recall=None, step=0) for view in large.compressed.views)
    large.put_compressed(replace(large.compressed, views=views))
    bring_up(large)
    assert [view.step for view in large.compressed.views] == [2, 0, 0]


def test_index_of_another_fusion_is_not_used(large):
    large.set_fusion("mean")
    assert large.compressed.views == ()
    assert large.vectors().compressed is None
    assert Searcher(large).search("red", k=5).hits


def test_library_that_shrank_loses_its_compressed_index(large):
    with large.writing() as batch:
        batch.pictures.mark_missing(list(range(1, 1500)))
    bring_up(large)
    assert large.compressed.views == ()
    assert list(large.path.glob("*.ivf")) == []


def test_answers_of_the_searcher_are_those_of_a_scan(large):
    for weight in WEIGHTS:
        few = Searcher(large).search(Query((Term("blue"),), weight), k=10).hits
        many = Searcher(large).search(Query((Term("blue"),), weight), k=2000).hits
        assert [hit.picture_id for hit in few] == [hit.picture_id for hit in many[:10]]


def test_library_without_captions_is_compressed_too(library):
    fill(library, 1500, 1, share=0)
    bring_up(library)
    assert library.compressed.usable
    stored = rows_of(library)
    for q in queries(5):
        exact, _ = ranked(stored, q, 0.5, Selection(10, NOBODY))
        assert np.isin(exact, nearest(stored, q, 0.5, Selection(10, NOBODY))[0]).mean() >= 0.9
        assert nearest(stored, q, 0, Selection(10, NOBODY))[0].tolist() == []


def test_facts_come_back_from_their_text():
    view = ViewState(0.5, "vectors-1.ivf", "1", ("vectors-2.rows",), 9, 9, 1, {"picture": 0.5})
    facts = CompressedState("made", (view,))
    assert CompressedState.from_json(facts.to_json(), "made") == facts
    assert CompressedState.from_json(facts.to_json(), "other") == CompressedState("other")
    assert CompressedState.from_json(None, "made") == CompressedState("made")


def test_what_another_ladder_measured_is_measured_again(monkeypatch):
    view = ViewState(0.5, "vectors-1.ivf", "1", ("vectors-2.rows",), 9, 9, 1, {"picture": 0.995})
    text = CompressedState("made", (view,)).to_json()
    assert CompressedState.from_json(text, "made").usable
    monkeypatch.setattr(compressed, "LADDER", LADDER[:-1])
    (known,) = CompressedState.from_json(text, "made").views
    assert known == replace(view, recall=None)


def test_ladder_goes_up():
    assert list(LADDER) == sorted(LADDER)
