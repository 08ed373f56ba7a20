"""Explanations: what picture, caption and terms add to the score of a hit."""

import json

import numpy as np
import pytest
from command_line import GOLDEN, SAMPLE, answered, index_colours, run
from hypothesis import given, settings
from hypothesis import strategies as st
from learned_fusions import fusion_content
from test_ranking import DIM, features, stored_rows

from indexer import Library, index_folder
from indexer.embedding import PictureFeatures
from indexer.fusion import Concat, Mean
from indexer.fusion.registry import restore_fusion
from indexer.vectors.nearest import scores
from indexer.vectors.scoring import ScoredQuery
from search import Query, Searcher, SearchOptions, Term
from search.answer.explaining import ScoreRows
from search.answer.hits import Explanation, TermShare
from ui.sentences import explanation_lines

seeds = st.integers(0, 2**32 - 1)


def explained_scores(fusion, seed, weight):
    """Scores as they are ranked by, and the targets of the same pictures with their gains."""
    v_i, v_t, has_caption, means, q = features(seed)
    stored = stored_rows(fusion, v_i, v_t, has_caption, means)
    found = PictureFeatures(
        np.arange(len(v_i)), v_i, np.where(has_caption[:, None], v_t, 0), has_caption
    )
    gain = ScoredQuery.of(stored, q, weight).gain
    gains = np.where(has_caption, 1, 1 if gain is None else gain[0]).astype(np.float32)
    return scores(stored, q, weight), ScoreRows.of(found, stored, weight).scaled(gains), q


def learned(strategy):
    return restore_fusion(strategy, fusion_content(strategy, dim=DIM), "a test")


@settings(max_examples=50, deadline=None)
@given(seeds, st.sampled_from([(Concat(), w / 8) for w in range(1, 9)] + [(Mean(), 0.5)]))
def test_picture_and_caption_sum_up_to_the_score(seed, fusion_and_weight):
    expected, targets, q = explained_scores(*fusion_and_weight[:1], seed, fusion_and_weight[1])
    assert targets.exact
    known = np.abs(expected) < 2  # pairs that nearly cancel out have any score
    summed = targets.picture @ q + targets.caption @ q
    assert np.allclose(summed[known], expected[known], atol=2e-3)


@settings(max_examples=20, deadline=None)
@given(seeds, st.sampled_from(["product", "gated"]))
def test_learned_fusion_says_what_the_score_loses_without_either(seed, strategy):
    fusion = learned(strategy)
    expected, targets, q = explained_scores(fusion, seed, 0.5)
    assert not targets.exact
    assert np.allclose(targets.whole @ q, expected, atol=2e-3)
    v_i, v_t, has_caption, means, _ = features(seed)
    centres = stored_rows(fusion, v_i, v_t, has_caption, means).centres
    nothing = np.zeros(len(v_i), bool)
    alone = (fusion.pictures(v_i, v_t, nothing) - centres.plain) @ q
    assert np.allclose(
        (targets.caption @ q)[has_caption], (expected - alone)[has_caption], atol=2e-3
    )
    assert not targets.caption[~has_caption].any()


def test_the_share_of_one_colour_is_computed_in_ones_head(colour_library):
    hits = Searcher(colour_library).search("blue", explain=True).hits
    found = {hit.path.name: hit for hit in hits}
    yellow = found["yellow.png"]  # the picture has no blue at all, its caption says nothing else
    assert yellow.explanation.picture == pytest.approx(0, abs=1e-3)
    assert yellow.explanation.caption == pytest.approx(yellow.score, abs=1e-3)
    assert yellow.score > 0.5
    blue = found["blue.png"]
    assert blue.explanation.caption is None
    assert blue.explanation.picture == pytest.approx(blue.score, abs=1e-3)
    assert blue.explanation.terms == (TermShare(Term("blue"), pytest.approx(blue.score, abs=1e-3)),)


def test_terms_sum_up_to_the_score_and_what_is_taken_away_adds_less_than_nothing(colour_library):
    query = Query((Term("red green"), Term("red", weight=-0.5)))
    answer = Searcher(colour_library).search(query, explain=True)
    for hit in answer.hits:
        assert sum(part.share for part in hit.explanation.terms) == pytest.approx(
            hit.score, abs=1e-3
        )
    (red,) = [hit for hit in answer.hits if hit.path.name == "red.png"]
    wanted, unwanted = red.explanation.terms
    assert wanted.share > 0 > unwanted.share


def test_weight_of_the_picture_alone_leaves_nothing_to_captions(colour_library):
    hits = Searcher(colour_library).search(Query.of("blue", weight=1), explain=True).hits
    captions = {hit.path.name: hit.explanation.caption for hit in hits}
    assert captions["yellow.png"] == captions["black.png"] == 0
    assert captions["red.png"] is None


def test_hits_are_explained_only_when_that_is_asked_for(colour_library):
    searcher = Searcher(colour_library)
    assert all(hit.explanation is None for hit in searcher.search("red").hits)
    browsing = SearchOptions(where="has: caption", explain=True)
    assert all(hit.explanation is None for hit in searcher.ask(None, browsing).hits)
    key = searcher.search("red").hits[0].picture_id
    similar = searcher.similar(key, explain=True).hits
    assert all(len(hit.explanation.terms) == 1 for hit in similar)


def test_explanation_does_not_change_the_answer(colour_library):
    searcher = Searcher(colour_library)
    plain, explained = (searcher.search("red", explain=on).hits for on in (False, True))
    assert [(h.picture_id, h.score) for h in plain] == [(h.picture_id, h.score) for h in explained]


@pytest.mark.parametrize("fusion", ["concat", "mean", "gated", "product"])
def test_real_hits_are_explained_whatever_the_fusion(tmp_path, fusion):
    with Library.create(tmp_path / "library", fusion=fusion) as library:
        index_folder(library, SAMPLE)
        query = Query.parse(["boats", "+", "water", "-", "people"])
        hits = Searcher(library).search(query, k=5, explain=True).hits
    for hit in hits:
        why = hit.explanation
        assert why.exact == (fusion in ("concat", "mean"))
        assert sum(part.share for part in why.terms) == pytest.approx(hit.score, abs=2e-3)
        if why.exact:
            parts = why.picture + (why.caption or 0) + why.taken_away
            assert parts == pytest.approx(hit.score, abs=2e-3)


def test_marked_pictures_have_a_share_of_their_own(colour_library):
    searcher = Searcher(colour_library)
    marked = {hit.path.name: hit.picture_id for hit in searcher.search("red").hits}
    options = {"like": [marked["green.png"]], "unlike": [marked["red.png"]], "explain": True}
    for hit in searcher.search("yellow", **options).hits:
        why = hit.explanation
        assert why.picture + (why.caption or 0) == pytest.approx(hit.score, abs=1e-3)
        assert sum(t.share for t in why.terms) + why.marks == pytest.approx(hit.score, abs=1e-3)
        assert explanation_lines(why)[1].startswith('by term: "yellow" ')
    only_marks = searcher.search(Query(()), like=[marked["green.png"]], explain=True).hits
    assert all(hit.explanation.marks == pytest.approx(hit.score, abs=1e-3) for hit in only_marks)


# For people and for scripts


def test_explanations_for_people(tmp_path, colour_pictures):
    index_colours(colour_pictures, tmp_path / "library")
    there = ("--library", tmp_path / "library")
    result = run("search", "blue", "-", "purple", "-k", 2, "--explain", *there)
    printed = result.stdout.replace(str(colour_pictures), "PICTURES")
    assert printed == (GOLDEN / "test_explanations_for_people.txt").read_text()


def test_explanations_for_scripts(tmp_path, colour_pictures):
    index_colours(colour_pictures, tmp_path / "library")
    there = ("--library", tmp_path / "library")
    hit = answered("search", "blue", "-", "black", "-k", 1, "--explain", *there)["hits"][0]
    why = hit["explanation"]
    assert sorted(why) == ["caption", "exact", "marks", "picture", "taken_away", "terms"]
    assert [(t["text"], t["weight"]) for t in why["terms"]] == [("blue", 1.0), ("black", -1.0)]
    assert sum(t["share"] for t in why["terms"]) == pytest.approx(hit["score"], abs=1e-3)
    similar = run("similar", colour_pictures / "red.png", "-k", 1, "--explain", "--jsonl", *there)
    assert "explanation" in json.loads(similar.stdout)
    assert "explanation" not in answered("search", "blue", *there)["hits"][0]


def test_what_is_no_sum_is_not_written_as_one():
    why = Explanation(0.3, 0.1, (TermShare(Term("a"), 0.25),), exact=False)
    assert explanation_lines(why) == ["without the picture -0.300, without the caption -0.100"]


def test_pictures_among_the_terms_are_called_by_their_names():
    terms = (TermShare(Term(picture="/a/b/pool.jpg"), 0.2), TermShare(Term(picture=b"x"), -0.1))
    assert explanation_lines(Explanation(0.1, None, terms, exact=True)) == [
        "by part: picture +0.100",
        "by term: pool.jpg +0.200, the picture -0.100",
    ]
