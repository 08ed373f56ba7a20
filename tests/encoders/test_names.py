"""Names in texts: the nearest of all names, as surely as it is near."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.embedding import unit_rows
from indexer.encoders.mini.names import NAMED, named


def names(classes=4, words=3, seed=0):
    """Names of classes and words in 384 dimensions, with codes of 5 and rows of 6."""
    random = np.random.default_rng(seed)

    def rows(*shape):
        return unit_rows(random.normal(size=shape))

    return {
        "class.names": rows(classes, 384),
        "class.named": rows(classes, 5),
        "words.names": rows(words, 384),
        "words.classes": rows(words, 5),
        "words.heads": rows(words, 6),
        "class.gate": np.zeros((384, 1)),
        "class.gate_bias": np.array([99.0]),  # all read like names
    }


def toward(name, cosine, seed=9):
    """A text of this cosine to a name."""
    other = np.random.default_rng(seed).normal(size=384)
    other = unit_rows(other - (other @ name) * name)
    return (cosine * name + np.sqrt(1 - cosine**2) * other)[None].astype(np.float32)


def test_word_is_what_its_pictures_are_like():
    weights = names()
    found = named(weights["words.names"], weights)
    assert (found.sure > 0.99).all()
    assert np.allclose(found.classes, weights["words.classes"], atol=0.01)
    assert np.allclose(found.heads, weights["words.heads"], atol=0.01)


def test_name_of_a_class_adds_nothing_to_the_heads():
    weights = names()
    found = named(weights["class.names"], weights)
    assert np.allclose(found.classes, weights["class.named"], atol=0.01)
    assert np.abs(found.heads).max() < 0.01


def test_what_is_a_word_and_the_name_of_a_class_counts_as_both():
    weights = names()
    weights["words.names"] = np.vstack([weights["class.names"][:1], weights["words.names"][1:]])
    found = named(weights["class.names"][:1], weights)
    both = unit_rows(weights["class.named"][0] + weights["words.classes"][0])
    assert np.allclose(found.classes, both, atol=0.01)
    assert np.allclose(found.heads, weights["words.heads"][0], atol=0.01)


@given(st.floats(0.3, 1), st.integers(0, 2))
def test_text_is_taken_for_a_name_where_it_is_near_to_it(cosine, word):
    weights = names()
    found = named(toward(weights["words.names"][word], cosine), weights)
    assert 0 <= found.sure <= 1
    assert (found.sure > 0.5) == (cosine > NAMED) or abs(cosine - NAMED) < 1e-3
    assert np.linalg.norm(found.heads) <= found.sure.item() * len(weights["words.heads"])
    assert found.heads[0] @ weights["words.heads"][word] == pytest.approx(found.sure, abs=0.05)


def test_word_adds_nothing_to_what_reads_like_the_description_of_a_scene():
    weights = names() | {"class.gate_bias": np.array([-99.0])}
    found = named(weights["words.names"], weights)
    assert (found.sure > 0.99).all()
    assert np.abs(found.heads).max() < 1e-6


def test_text_that_is_near_to_no_name_names_nothing():
    weights = names()
    found = named(toward(weights["words.names"][0], 0.2), weights)
    assert found.sure < 1e-6
    assert np.abs(found.heads).max() < 1e-6


@pytest.mark.parametrize(("classes", "words"), [(0, 0), (4, 0), (0, 3)])
def test_names_that_are_not_there_change_nothing(classes, words):
    weights = names(classes, words)
    found = named(np.eye(384, dtype=np.float32)[:2], weights)
    assert found.classes.shape == (2, 5)
    assert found.heads.shape == (2, 6)
    assert (found.sure < 1e-6).all()
    assert np.isfinite(found.classes).all()
