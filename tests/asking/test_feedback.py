"""Marks refine a query: by Rocchio's formula, exactly, with every fusion."""

import os
from dataclasses import replace

import numpy as np
import pytest
from command_line import SAMPLE, sample_library
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from indexer import IndexOptions, Library, index_folder
from indexer.embedding import HUB, IMAGE, TEXT, centred_query, unit_rows
from indexer.errors import QueryError
from indexer.vectors.nearest import scores
from indexer.vectors.scoring import CentredIndex
from search import Query, Searcher
from search.query.embedding import EmbeddedQuery
from search.query.feedback import ALPHA, BETA, GAMMA, LEAST, needed, refined, rocchio

NONE = np.zeros((0, 5), np.float32)
RED, GREEN, BLUE = np.eye(5, dtype=np.float32)[:3]


def names(answer):
    return [hit.path.name for hit in answer.hits]


def ids(library):
    pictures = library.catalogue.pictures(library.catalogue.present_ids())
    return {picture.path.name: key for key, picture in pictures.items()}


# The formula


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_refined_query_is_the_weighted_sum_of_query_and_means(share):
    right, wrong = unit_rows(np.stack([RED, GREEN])), BLUE[None]
    expected = ALPHA * GREEN + share * (BETA * (RED + GREEN) / 2 - GAMMA * BLUE)
    assert np.allclose(rocchio(GREEN, right, wrong, share), expected)


@given(st.tuples(st.floats(0, np.pi), st.floats(0, np.pi)).map(sorted))
def test_marks_count_the_less_the_more_words_say_by_themselves(angles):
    near, far = (needed(np.cos(angle) * RED + np.sin(angle) * GREEN, RED[None]) for angle in angles)
    assert LEAST - 1e-6 <= near <= far <= 1


def test_marks_count_whole_where_words_say_nothing_and_where_none_is_right():
    assert needed(GREEN, RED[None]) == 1
    assert needed(GREEN, NONE) == 1
    assert needed(RED, RED[None]) == pytest.approx(LEAST)


def test_picture_that_asks_is_an_example_like_those_marked_as_right():
    words = EmbeddedQuery(RED, (), RED[None])
    picture = replace(words, content_hashes=(b"content",))
    right = (RED + GREEN)[None] / np.sqrt(np.float32(2))
    assert np.allclose(refined(picture, right, NONE).q, unit_rows(rocchio(RED, right, NONE)))
    moved = rocchio(RED, right, NONE, LEAST)
    assert np.allclose(refined(words, right, NONE).q, unit_rows(moved))


def test_marks_alone_ask_where_there_are_no_words():
    moved = rocchio(np.zeros(5, np.float32), RED[None], NONE)
    assert np.allclose(unit_rows(moved), RED)


def test_only_taking_away_is_refused():
    with pytest.raises(QueryError, match="nothing to search for"):
        rocchio(np.zeros(5, np.float32), NONE, RED[None])


def test_marks_that_cancel_the_query_out_are_refused():
    with pytest.raises(QueryError, match="cancel out the query"):
        rocchio(RED, (-ALPHA / BETA * RED)[None], NONE)


ROWS = arrays(np.float32, (3, 5), elements=st.floats(-1, 1, width=16)).map(unit_rows)


@given(ROWS, ROWS, st.permutations(range(3)))
def test_refined_query_has_unit_length_and_no_order_of_marks(right, wrong, order):
    q = unit_rows(np.arange(1, 6, dtype=np.float32))
    words, turned = EmbeddedQuery(q, (), q[None]), list(order)
    row = refined(words, right, wrong).q
    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)
    assert np.allclose(row, refined(words, right[turned], wrong[turned]).q, atol=1e-5)


@given(ROWS)
def test_right_marks_come_nearer_than_they_were(right):
    q = RED
    mean = right.mean(axis=0)
    assume(np.linalg.norm(q + BETA * mean) > 0.01)  # else they cancel it out, which is refused
    assert unit_rows(rocchio(q, right, NONE)) @ mean >= q @ mean - 1e-5


# In a search


def test_picture_marked_as_right_draws_its_like_and_is_left_out(colour_library, paint):
    paint("blue-2.png", (0, 20, 255))
    index_folder(colour_library, options=IndexOptions(workers=1))
    searcher, key = Searcher(colour_library), ids(colour_library)["blue.png"]
    assert names(searcher.search("red"))[0] == "red.png"
    found = names(searcher.search(Query.of("red", weight=1.0), like=[key]))
    assert found[0] == "blue-2.png"
    assert "blue.png" not in found


def test_picture_marked_as_wrong_drives_its_like_away_and_is_left_out(colour_library):
    searcher, known = Searcher(colour_library), ids(colour_library)
    query = Query.of("purple", weight=1.0)
    before = {hit.path.name: hit.score for hit in searcher.search(query).hits}
    after = {h.path.name: h.score for h in searcher.search(query, unlike=[known["red.png"]]).hits}
    assert "red.png" not in after
    assert after["yellow.png"] < before["yellow.png"]  # half of it is red
    assert after["blue.png"] > before["blue.png"]


def test_marks_are_named_by_id_by_path_and_by_bytes_alike(colour_library, colour_pictures):
    searcher, path = Searcher(colour_library), colour_pictures / "red.png"
    answers = [
        searcher.search("blue", like=[mark])
        for mark in (ids(colour_library)["red.png"], str(path), path.read_bytes())
    ]
    assert len({tuple((hit.path, hit.score) for hit in a.hits) for a in answers}) == 1
    assert colour_library.encoder.images == 0  # its embedding is looked up


def test_picture_of_the_library_whose_file_is_gone_still_marks(colour_library, colour_pictures):
    searcher, path = Searcher(colour_library), colour_pictures / "red.png"
    before = searcher.search("blue", like=[str(path)])
    path.unlink()
    assert searcher.search("blue", like=[str(path)]).hits == before.hits


def test_picture_outside_the_library_marks_too(colour_library, tmp_path, paint):
    other = paint("green-other.png", (0, 250, 5)).rename(tmp_path / "other.png")
    answer = Searcher(colour_library).search(Query(()), like=[str(other)])
    assert names(answer)[0] == "green.png"
    assert colour_library.encoder.images == 1


def test_copies_of_a_marked_picture_are_left_out(colour_library, paint):
    paint("copy.png", "red")
    index_folder(colour_library, options=IndexOptions(workers=1))
    found = names(Searcher(colour_library).search("red", like=[ids(colour_library)["red.png"]]))
    assert not {"red.png", "copy.png"} & set(found)


def test_pictures_that_are_asked_with_stand_first_where_that_is_asked_for(colour_library):
    known = ids(colour_library)
    marks = {"like": [known["green.png"]], "unlike": [known["red.png"]]}
    found = names(Searcher(colour_library).search("blue", asked_first=True, **marks))
    assert found[0] == "green.png"
    assert "red.png" not in found
    only = Searcher(colour_library).search(
        "blue", asked_first=True, where="file: blue.png", **marks
    )
    assert names(only) == ["blue.png"]  # a filter holds for marked pictures too


def test_least_score_cuts_the_hits(colour_library):
    searcher = Searcher(colour_library)
    all_hits = searcher.search("red").hits
    least = all_hits[1].score
    assert searcher.search("red", least=least).hits == all_hits[:2]


def test_mark_that_is_no_picture_is_refused(colour_library, tmp_path):
    searcher = Searcher(colour_library)
    (tmp_path / "letter.jpg").write_text("dear")
    for mark, said in ((99, "search again"), (str(tmp_path / "no.jpg"), "no such picture"),
                       (str(tmp_path / "letter.jpg"), "letter.jpg")):  # fmt: skip
        with pytest.raises(QueryError, match=said):
            searcher.search("red", like=[mark])
    red = ids(colour_library)["red.png"]
    with pytest.raises(QueryError, match="as right and as wrong"):
        searcher.search("red", like=[red], unlike=[red])


def test_more_like_this_is_refined_too(colour_library):
    searcher, known = Searcher(colour_library), ids(colour_library)
    plain = names(searcher.similar(known["red.png"], weight=1.0))
    refined = names(searcher.similar(known["red.png"], weight=1.0, like=[known["blue.png"]]))
    assert "blue.png" in plain
    assert not {"red.png", "blue.png"} & set(refined)


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_refined_hits_are_the_exact_best_of_all(colour_library, weight):
    assert_exact(colour_library, weight)


@pytest.mark.parametrize("fusion", ["mean", "product", "gated"])
def test_refined_hits_are_exact_with_every_fusion(tmp_path, fusion):
    with Library.create(tmp_path / "library", fusion=fusion) as library:
        index_folder(library, SAMPLE, options=IndexOptions(workers=1, only=ONLY))
        assert_exact(library, 0.5)


ONLY = frozenset(sorted(os.fsencode(p.name) for p in SAMPLE.glob("*.jpg"))[:12])


def assert_exact(library, weight):
    """Compare hits with all scores of the query that the formula gives, by brute force."""
    keys = sorted(library.catalogue.present_ids())
    right, wrong = keys[:1], keys[1:2]
    answer = Searcher(library).search(
        Query.of("red and green", weight=weight), k=4, like=right, unlike=wrong
    )
    stored = CentredIndex.in_index(library.vectors(), library.encoder.means)
    means = stored.centres.means
    q = centred_query(library.encoder.encode_texts(["red and green"])[0], TEXT, means)
    found = library.embedded(keys[:2])
    zero = np.zeros(library.encoder.dim, np.float32)
    rows = found.v_i - means.get(IMAGE, zero)
    captions = found.v_t - means.get(TEXT, zero)
    mixed = np.where(found.has_caption[:, None], weight * rows + (1 - weight) * captions, rows)
    mixed[:, -1] *= HUB not in means
    rows = unit_rows(mixed)
    moved = unit_rows(rocchio(q, rows[:1], rows[1:], needed(q, rows[:1])))
    every = scores(stored, moved, weight)
    ids_by_place = np.where(
        stored.index.all_keys < 0, ~stored.index.all_keys, stored.index.all_keys
    )
    left = [(s, key) for s, key in zip(every, ids_by_place, strict=True)
            if key not in (right[0], wrong[0]) and np.isfinite(s)]  # fmt: skip
    best = sorted(left, key=lambda pair: (-pair[0], pair[1]))[:4]
    assert [hit.score for hit in answer.hits] == pytest.approx([s for s, _ in best], abs=1e-5)
    assert answer.hits


# On photographs


MEANT = {
    "transport": {"fire-engine", "steam-train", "airliner", "rowing-boats", "helicopter",
                  "pink-bicycle", "hot-air-balloon", "rocket-at-night"},
    "water": {"breaking-wave", "cows-by-lake", "forest-stream", "lit-bridge", "mountain-lake",
              "otter-on-bank", "rowing-boats", "sandy-beach", "windmill-by-sea", "red-goldfish"},
    "trip": {"chinese-pavilion", "colosseum", "opera-house", "taj-mahal", "singapore-night",
             "igloo", "windmill-by-sea"},
}  # fmt: skip


def test_marks_find_more_of_what_was_meant(tmp_path_factory):
    """With three marks a side, many more of the photographs that an unclear word meant.

    "trip" is unclear to the model; "transport" and "water" it knows, and marks cost these little.
    """
    found = {}
    with Library.open(sample_library(tmp_path_factory), read_only=True) as library:
        searcher = Searcher(library)
        for word, meant in MEANT.items():
            query = Query.of(word, weight=1.0)
            order = {hit.picture_id: hit.path.stem for hit in searcher.search(query, k=99).hits}
            right = [key for key, name in order.items() if name in meant][:3]
            wrong = [key for key, name in order.items() if name not in meant][:3]
            unmarked = [name for key, name in order.items() if key not in {*right, *wrong}]
            hits = searcher.search(query, k=10, like=right, unlike=wrong).hits
            assert not {hit.picture_id for hit in hits} & {*right, *wrong}
            found[word] = (
                len(meant & {*unmarked[:10]}),
                len(meant & {hit.path.stem for hit in hits}),
            )
    assert found["trip"][1] >= 2 * found["trip"][0]
    assert all(refined >= plain - 1 for plain, refined in found.values())
    plain, refined = (sum(column) for column in zip(*found.values(), strict=True))
    assert refined >= plain + 2  # of 16 that are left to be found
