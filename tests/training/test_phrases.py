"""Words and short texts of captions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from indexer.training.mini.phrases import FUNCTION_WORDS, common_words, short_texts

WORDS = ["dog", "cat", "red", "ball", "snow", "runs", "the", "with", "a"]
CAPTIONS = st.lists(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=3), max_size=12
)


def test_common_words_are_those_that_two_captions_of_ten_pictures_agree_on():
    pictures = [["A dog runs.", "Dog in snow!", "a DOG"]] * 9 + [["dog and cat", "the dog"]]
    pictures += [["a cat sleeps", "black cat"]] * 9 + [["one car"]] * 30
    found = common_words(pictures)
    assert found.texts == ["dog"]  # of cats, nine pictures; of cars, one caption each
    assert found.mentions.tolist() == [[3.0] * 9 + [2.0] + [0.0] * 39]


def test_words_of_most_pictures_are_left_out():
    pictures = [["in a house", "in it", f"{n}"] for n in range(30)]
    assert common_words(pictures).texts == []
    others = [["nothing", "at all"]] * 90
    assert common_words([*pictures, *others]).texts == ["in"]


def test_short_texts_of_a_caption_are_some_of_its_words_and_all_of_its_content():
    captions = [["A dog runs through the snow"], ["Two cats"], ["A red ball"]]
    found = {short.text: short.pictures.tolist() for short in short_texts(captions)}
    assert found["dog runs snow"] == [0]
    assert found["two cats"] == [1]
    assert found["red ball"] == [2]
    assert len(found) <= 6


def test_what_is_right_for_many_pictures_is_no_short_text():
    captions = [[f"dog number{chr(97 + n)}"] for n in range(20)]
    assert "dog" not in {short.text for seed in range(20) for short in short_texts(captions, seed)}


@given(CAPTIONS, st.integers(0, 3))
def test_short_text_is_right_for_all_pictures_that_say_its_words_and_for_no_other(captions, seed):
    found = short_texts(captions, seed)
    assert len({short.text for short in found}) == len(found)
    for text, pictures in found:
        words = set(text.split())
        assert words
        assert not words & set(FUNCTION_WORDS.split())
        saying = [n for n, own in enumerate(captions) if words <= set(" ".join(own).split())]
        assert pictures.tolist() == saying


@given(CAPTIONS)
def test_same_captions_give_the_same(captions):
    one, two = short_texts(captions), short_texts(captions)
    assert [short.text for short in one] == [short.text for short in two]
    assert np.array_equal(common_words(captions).mentions, common_words(captions).mentions)


def test_captions_without_words_give_nothing():
    assert short_texts([["12 34"], []]) == []
    assert common_words([["12 34"], []]).mentions.shape == (0, 2)
