"""Negations in plain English, and what only looks like one."""

import pytest

from search import Query


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("mountain without snow", "mountain - snow"),
        ("dog NOT snow", "dog - snow"),
        ("a beach with no people", "a beach - people"),
        ("animals, but not dogs", "animals - dogs"),
        ("fruit except for red apples", "fruit - red apples"),
        ("vehicles other than cars", "vehicles - cars"),
        ("a cat that is not black", "a cat - black"),
        ("people who aren\u2019t smiling", "people - smiling"),
        ("a woman wearing no hat", "a woman - hat"),
        ("a man without a shirt on", "a man - shirt"),
        ("a street free of cars at night", "a street at night - cars"),
        ("a dog without a leash on the beach", "a dog on the beach - leash"),
        ("a man without a hat is running", "a man is running - hat"),
        ("a boy without shoes rides a bike", "a boy rides a bike - shoes"),
        ("people not looking at the camera", "people - looking at the camera"),
        ("no people on the beach", "the beach - people"),
        ("a lake. No boats.", "a lake - boats"),
        ("a room without any chairs at all", "a room - chairs"),
        (
            "a field without cows, sheep or horses at dusk",
            "a field at dusk - cows - sheep - horses",
        ),
        ("a street with no cars and no people", "a street - cars - people"),
        ('a beach without "palm trees"', "a beach - palm trees"),
        ("a dog without a ball + snow", "a dog + snow - ball"),
        ("./pool.jpg without people", "./pool.jpg - people"),
        ("DOG NOT SNOW", "DOG - SNOW"),
    ],
)
def test_negation_subtracts_its_noun_phrase(text, read):
    query = Query.parse(text)
    assert {*query.terms} == {*Query.parse(read).terms}
    assert [reading.said for reading in query.readings] == [text]
    assert Query.parse(query.readings[0].meant).terms == query.terms


@pytest.mark.parametrize(
    "text",
    ["a no smoking sign", "no entry", "a wall that says no parking", "no dogs allowed",
     "DO NOT DISTURB sign", "not only dogs", "room no 5", "no. 7", "minus 5 degrees", "Dr. No",
     "to be or not to be", "nothing but sand", "a beach with nothing except sand", "forget-me-not",
     "dog without", '"a dog without a leash"', "knots", "- dog without a leash + cat"],
)  # fmt: skip
def test_what_only_looks_like_a_negation_is_words(text):
    query = Query.parse(text)
    assert query.readings == ()
    assert [term for term in query.terms if term.weight < 0] == [
        term for term in query.terms if text.startswith("-") and term.text.startswith("dog")
    ]


@pytest.mark.parametrize("text", ["no people", "without snow", "no people!", "NO PEOPLE HERE"])
def test_negation_without_anything_to_search_for_is_words_and_that_is_said(text):
    query = Query.parse(text)
    assert [(term.text, term.weight) for term in query.terms] == [(text, 1)]
    (reading,) = query.readings
    assert reading.meant is None
    assert reading.instead.startswith("- ")


def test_negation_in_a_long_description_is_words_and_that_is_said():
    text = f"a dog {'on grass ' * 6}and without a leash"
    query = Query.parse(text)
    assert [term.text for term in query.terms] == [text]
    assert [reading.instead for reading in query.readings] == ["- leash"]


def test_picture_beside_the_words_is_what_to_search_for():
    words, picture = Query.parse("no people", picture=b"bytes").terms
    assert (words.text, words.weight, picture.picture) == ("people", -1, b"bytes")


def test_words_are_taken_as_they_are_if_asked_for():
    assert Query.parse("mountain without snow", literal=True) == Query.of("mountain without snow")
    assert Query.of("mountain without snow").readings == ()
