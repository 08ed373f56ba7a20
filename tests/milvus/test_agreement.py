"""A collection in Milvus answers as the library that it was filled from."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer import Library
from indexer.encoders import registry
from search import Query, Searcher
from search.collection import candidates
from search.collection.opening import open_library


@pytest.fixture(scope="module")
def searchers(published):
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.BUILT_IN, "colour", "colour_encoder:open_encoder")
        with (
            Library.open(published.library, read_only=True) as library,
            open_library(published.collection) as collection,
        ):
            yield Searcher(library), Searcher(collection)


def assert_same(one, other):
    assert [hit.picture_id for hit in one.hits] == [hit.picture_id for hit in other.hits]
    for hit, same in zip(one.hits, other.hits, strict=True):
        assert same.score == (None if hit.score is None else pytest.approx(hit.score, abs=1e-3))
        assert (same.path, same.captions, same.words) == (hit.path, hit.captions, hit.words)
        assert same.metadata == hit.metadata
        assert [info.id for info in same.folded] == [info.id for info in hit.folded]
    assert one.next_offset == other.next_offset
    assert (one.unknown, one.suggestion) == (other.unknown, other.suggestion)


@pytest.mark.parametrize(
    ("query", "options"),
    [
        ("red", {}),
        *(("blue boat", {"weight": weight}) for weight in (0, 0.3, 1)),
        ("green -yellow", {"k": 15}),
        ("red", {"where": "has: caption and rating >= 3"}),
        ("a white dog", {"offset": 10, "k": 10}),
        ("Anna blue", {"k": 20}),
        ("dog 25", {}),
        ("boat", {"mode": "words", "k": 30}),
        ("yellow dog", {"mode": "words", "where": "folder: holidays"}),
        ("red", {"fold": True, "k": 40}),
        ("black", {"diverse": 0.5}),
        ("purple", {"explain": True}),
        ("orange", {"least": 0.2, "k": 40}),
        ("red-00.png", {}),
    ],
)
def test_answers_agree_with_the_library(searchers, query, options):
    local, remote = searchers
    assert_same(local.search(query, **options), remote.search(query, **options))


def test_pictures_and_marks_agree_with_the_library(searchers):
    local, remote = searchers
    some = local.library.catalogue.present_ids(limit=3)
    path = local.library.catalogue.pictures(some)[some[0]].path
    of_picture = Query.of(picture=str(path))
    assert_same(local.search(of_picture), remote.search(of_picture))
    assert_same(local.similar(some[1], k=20), remote.similar(some[1], k=20))
    marked = {"like": [some[1]], "unlike": [some[2]]}
    assert_same(local.search("blue", **marked), remote.search("blue", **marked))
    one, other = local.explain("red", some[0]), remote.explain("red", some[0])
    assert other.score == pytest.approx(one.score, abs=1e-3)


def test_few_candidates_of_each_field_are_enough(searchers, monkeypatch):
    monkeypatch.setattr(candidates, "LEAST", 20)
    local, remote = searchers
    for query in ("red boat", "blue", "green -dog"):
        one, other = (searcher.search(query, k=3) for searcher in (local, remote))
        assert [hit.picture_id for hit in one.hits] == [hit.picture_id for hit in other.hits]


def test_newest_come_first_however_many_there_are(searchers, monkeypatch):
    monkeypatch.setattr(candidates, "MOST", 20)
    local, remote = searchers
    assert_same(local.browse(where="width > 0", k=7), remote.browse(where="width > 0", k=7))


CONDITIONS = (
    "folder: holidays", "folder: ho*ys", "file: red", "file: *-1?.png", "taken: 2013",
    "taken >= 2015", "taken < 2014", "modified: 2020-10", "rating: 3", "rating != 4", "rating < 3",
    "width > 30", "height: 12..40", "megapixels < 0.001", "size > 0.1 kb", "format: png, webp",
    "orientation: portrait", "keyword: kenya", "keyword: snow fall", "keyword: aerger",
    "keyword: ärger", "caption: boat", "caption: blue boat", "caption: boat blue", "has: caption",
    "has: rating", "has: place", "place: 48.2, 16.37 within 20 km", "place: 48.1..48.4, 16..17",
    "place: Vienna within 30 km", "camera: canon", "person: anna", "title: boat",
)  # fmt: skip


def joined(parts):
    two = st.tuples(parts, st.sampled_from(("and", "or")), parts)
    return st.one_of(parts.map("not ({})".format), two.map(lambda p: f"({p[0]}) {p[1]} ({p[2]})"))


@settings(max_examples=40)
@given(where=st.recursive(st.sampled_from(CONDITIONS), joined, max_leaves=4))
def test_conditions_let_the_same_pictures_through(searchers, where):
    local, remote = searchers
    one, other = (searcher.matching_ids(where=where).tolist() for searcher in (local, remote))
    assert one == other


@pytest.mark.parametrize("where", CONDITIONS)
def test_each_condition_lets_the_same_pictures_through(searchers, where):
    local, remote = searchers
    one, other = (searcher.matching_ids(where=where).tolist() for searcher in (local, remote))
    assert one == other
