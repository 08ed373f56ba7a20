"""Noun phrases: which texts are one, and that all forms of one find the same."""

import numpy as np
import pytest
from command_line import sample_library

from indexer import Library
from indexer.encoders import load_encoder
from indexer.encoders.mini.noun_phrases import (
    by_rule,
    noun_phrase,
    plural,
    regular_plural,
    sentences_for,
    singular,
    without_prefix,
)
from indexer.training.mini.plurals import exceptions
from search import Searcher

FORMS = ("{one}", "{a}", "the {one}", "{many}", "a photo of {a}", "Photo of {many}",
         "picture of the {one}", "Pictures of some {many}.", " {one} ")  # fmt: skip


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("mini", offline=True)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("dog", "dog"), ("A dog", "dog"), ("the dogs.", "dog"), ("red cars", "red car"),
        ("an old man", "old man"), ("my children", "child"), ("ice cream", "ice cream"),
        ("black-and-white photo", "black-and-white photo"),
        ("a dog on a beach", None), ("a dog and a cat", None), ("a dog is running", None),
        ("big brown wet dog", None), ("1985", None), ("IMG_1234", None), ("snow, ice", None),
        ("something red", None), ("", None), ("...", None), ("the ", "the"), ("犬", "犬"),
    ],
)  # fmt: skip
def test_text_that_is_nothing_but_a_noun_phrase(text, phrase):
    assert noun_phrase(text) == phrase


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("a photo of a dog on a beach", "a dog on a beach"), ("Pictures showing a dog", "a dog"),
        ("  a photo of a dog", "a dog"),
        ("photo album", "photo album"), ("photo of", "photo of"), ("a picture", "a picture"),
        ("a man takes a photo of a dog", "a man takes a photo of a dog"),
    ],
)  # fmt: skip
def test_every_picture_is_a_photo_of_something(text, rest):
    assert without_prefix(text) == rest


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("dog", "dogs"), ("bus", "buses"), ("box", "boxes"), ("baby", "babies"), ("toy", "toys"),
        ("man", "men"), ("fireman", "firemen"), ("human", "humans"), ("child", "children"),
        ("foot", "feet"), ("leaf", "leaves"), ("cookie", "cookies"), ("shoe", "shoes"),
        ("house", "houses"), ("watch", "watches"), ("glass", "glasses"), ("lens", "lens"),
        ("scissors", "scissors"), ("series", "series"), ("potato", "potatoes"),
        ("red bus", "red buses"), ("old woman", "old women"),
    ],
)  # fmt: skip
def test_number_of_a_noun(one, many):
    assert plural(one) == many
    start, _, last = many.rpartition(" ")
    assert f"{start} {singular(last)}".strip() == one


def test_table_holds_what_the_rules_get_wrong():
    nouns = {"dog", "lens", "movie", "egg", "eggs", "leaf", "pass"}
    irregular = {"leaves": "leaf", "pass": "pas"}
    table = exceptions(nouns, irregular, frozenset(nouns))
    assert table == {"lens": "lens", "lenses": "lens", "movies": "movie", "leaves": "leaf"}
    assert all(by_rule(form) != noun for form, noun in table.items())
    assert by_rule(regular_plural("dog")) == "dog"


@pytest.mark.parametrize(
    "parts",
    [("dog", "a dog", "dogs"), ("old man", "an old man", "old men"), ("bus", "a bus", "buses")],
)
def test_all_forms_of_a_noun_phrase_have_one_row(encoder, parts):
    forms = [form.format(one=parts[0], a=parts[1], many=parts[2]) for form in FORMS]
    rows = encoder.encode_texts([*forms, "a dog runs after an old man on a bus"])
    assert np.allclose(rows[: len(forms)], rows[0], atol=1e-5)
    assert rows[-1] @ rows[0] < 0.9


def test_a_sentence_is_read_as_it_is():
    assert sentences_for("Two dogs are running on a beach") == ["Two dogs are running on a beach"]


def test_all_forms_of_a_noun_phrase_find_the_same_with_the_same_confidence(tmp_path_factory):
    with Library.open(sample_library(tmp_path_factory), read_only=True) as library:
        answers = [
            Searcher(library).search(text, k=3, mode="vector").hits
            for text in ("dog", "a dog", "photo of dogs", "a picture of the dogs")
        ]
    for hits in answers[1:]:
        assert [hit.path for hit in hits] == [hit.path for hit in answers[0]]
        found, expected = ([hit.confidence for hit in each] for each in (hits, answers[0]))
        assert found == pytest.approx(expected, abs=1e-4)
