"""Words and short texts of captions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.encoders.mini.noun_phrases import sentences_about
from indexer.training.mini.noun_kinds import TOO_GENERAL, kinds_of
from indexer.training.mini.phrases import FUNCTION_WORDS, common_words, short_texts

WORDS = ["dog", "puppy", "red", "ball", "snow", "runs", "the", "with", "a"]
CAPTIONS = st.lists(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=3), max_size=12
)


def test_common_words_are_those_that_captions_of_ten_pictures_agree_on():
    pictures = [["A dog runs.", "Dogs in snow!", "a DOG"]] * 9 + [["dog and cat", "the dog", "x"]]
    pictures += [["a cat sleeps", "black cat"]] * 9 + [["one car", "two", "three"]] * 30
    found = dict(zip(*common_words(pictures), strict=True))
    assert np.allclose(found["dog"], [1.0] * 9 + [2 / 3] + [0.0] * 39)
    assert np.count_nonzero(found["animal"]) == 19  # dogs and cats
    assert not {"cat", "car", "run"} & found.keys()  # nine pictures, and one caption of three each


def test_one_caption_is_enough_for_a_picture_that_has_few():
    pictures = [["a red fire hydrant", "Hydrants date from 1801."]] * 10 + [["x"]] * 90
    found = dict(zip(*common_words(pictures), strict=True))
    assert np.allclose(found["hydrant"][:10], 1.0)
    assert np.allclose(found["fire"][:10], 0.5)


def test_function_words_and_words_of_nearly_all_pictures_are_left_out():
    pictures = [["in a house", "in the house", f"{n}"] for n in range(30)]
    assert common_words(pictures).texts == []
    others = [["nothing", "at all"]] * 90
    assert "house" in common_words([*pictures, *others]).texts
    assert "in" not in common_words([*pictures, *others]).texts


def test_short_texts_of_a_caption_are_its_words_some_of_them_and_all_of_its_content():
    captions = [["A dog runs through the snow"], ["Two cats", "the puppy"], ["A red ball"]]
    found = {short.text: short.pictures.tolist() for short in short_texts(captions)}
    assert found["dog runs snow"] == [0]
    assert found["two cat"] == [1]  # as an encoder reads "two cats"
    assert found["red ball"] == [2]
    for sentence in sentences_about("dog"):
        assert found[sentence] == [0, 1]  # a puppy is a dog


def test_what_is_right_for_nearly_all_pictures_is_no_short_text():
    captions = [[f"dog number{chr(97 + n)}"] for n in range(20)]
    assert "dog" not in {short.text for seed in range(20) for short in short_texts(captions, seed)}


@given(CAPTIONS, st.integers(0, 3))
def test_short_text_is_right_for_pictures_that_say_its_words_and_for_no_other(captions, seed):
    found = short_texts(captions, seed)
    assert len({short.text for short in found}) == len(found)
    for text, pictures in found:
        words = set(text.split())
        assert words
        if words <= set(WORDS):
            assert not words & set(FUNCTION_WORDS.split())
            said = [" ".join(own).replace("puppy", "puppy dog") for own in captions]
            assert pictures.tolist() == [n for n, s in enumerate(said) if words <= set(s.split())]


@given(CAPTIONS)
def test_same_captions_give_the_same(captions):
    one, two = short_texts(captions), short_texts(captions)
    assert [short.text for short in one] == [short.text for short in two]
    assert np.array_equal(common_words(captions).mentions, common_words(captions).mentions)


def test_captions_without_words_give_nothing():
    assert short_texts([["12 34"], []]) == []
    assert common_words([["12 34"], []]).mentions.shape == (0, 2)


def test_kinds_are_what_a_thing_is_and_nothing_too_general():
    kinds = kinds_of()
    assert {"dog", "animal"} <= kinds["puppy"]
    assert "vehicle" in kinds["car"]
    assert "food" in kinds["pizza"]
    assert {"person", "people"} <= kinds["surfer"]
    assert not any(noun in of or TOO_GENERAL & of for noun, of in kinds.items())
