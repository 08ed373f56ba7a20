"""The audit of captions: which fit badly, and what pictures without one could be called."""

import numpy as np
import pytest
from command_line import answered, index_colours, run
from hypothesis import given
from hypothesis import strategies as st

from indexer import Library
from indexer.embedding import unit_rows
from search.audit import MIN_CAPTIONED, agreement, suggest_captions, worst_captions

COLOURS = ("red", "green", "blue", "black", "yellow")


@pytest.fixture
def captioned(paint, pictures, tmp_path):
    """A library of 25 pictures whose captions are right, but those of a red and a blue one."""
    for colour in COLOURS:
        for number in range(5):
            paint(f"{colour}-{number}.png", caption=f"a {colour} wall")
    (pictures / "red-3.txt").write_text("a blue wall")
    (pictures / "blue-1.txt").write_text("a red wall")
    paint("yellow-bare.png")
    library = tmp_path / "library"
    assert index_colours(pictures, library).exit_code == 0
    return library


def test_captions_of_other_pictures_are_found(captioned):
    with Library.open(captioned, read_only=True) as library:
        found = worst_captions(library, 3)
    assert {doubt.path.name for doubt in found[:2]} == {"red-3.png", "blue-1.png"}
    assert found[0].captions == ("a blue wall",) or found[0].captions == ("a red wall",)
    assert found[1].agreement < -2 < found[2].agreement


def test_pictures_without_a_caption_get_those_of_pictures_like_them(captioned):
    with Library.open(captioned, read_only=True) as library:
        (suggestion,) = suggest_captions(library)
    assert suggestion.path.name == "yellow-bare.png"
    assert suggestion.captions == ("a yellow wall",) * 3
    assert suggestion.likeness == (1, 1, 1)


def test_too_few_captions_are_not_judged(colour_pictures, tmp_path):
    index_colours(colour_pictures, tmp_path / "library")
    with Library.open(tmp_path / "library", read_only=True) as library:
        assert library.catalogue.counts()["captions"] < MIN_CAPTIONED
        assert worst_captions(library) == []
        assert len(list(suggest_captions(library))) == 3


def test_the_command_lists_both_for_people_and_for_scripts(captioned):
    fields = answered("audit", "-k", 2, "--library", captioned)
    assert [sorted(entry) for entry in fields["doubtful"]] == [
        ["agreement", "captions", "path"]
    ] * 2
    (suggestion,) = fields["suggested"]
    assert suggestion["suggestions"][0] == {"caption": "a yellow wall", "likeness": 1.0}
    said = run("audit", "-k", 2, "--library", captioned).stdout.splitlines()
    assert said[0].startswith("Captions that do not fit")
    assert said[1].endswith(fields["doubtful"][0]["path"])
    assert said[2].strip() == fields["doubtful"][0]["captions"][0]
    assert any(line.startswith("Pictures without a caption") for line in said)


def test_where_there_is_nothing_to_say_it_says_so(paint, pictures, tmp_path):
    paint("red.png", caption="a red wall")
    index_colours(pictures, tmp_path / "library")
    result = run("audit", "--library", tmp_path / "library")
    assert result.exit_code == 1
    assert "nothing to list" in result.stderr


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_agreement_is_the_formula_of_its_source(seed, count):
    """Against the formula written out, on fewer rows than are sampled."""
    drawn = np.random.default_rng(seed).normal(size=(2, count, 6)).astype(np.float32)
    images, texts = unit_rows(drawn[0]), unit_rows(drawn[1])
    cosines = images @ texts.T
    near = min(10, count)
    crowd = [np.sort(c, axis=1)[:, -near:].mean(1) for c in (cosines, cosines.T)]
    expected = 2 * np.diag(cosines) - crowd[0] - crowd[1]
    np.testing.assert_allclose(agreement(images, texts), expected, atol=1e-5)
