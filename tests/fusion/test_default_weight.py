"""The weight that a library is set to, for queries that name none."""

import json

import pytest
from command_line import answered, index_colours, refusal, run

from indexer import IndexOptions, Library, index_folder
from indexer.errors import InputError
from indexer.settings import LibrarySettings
from search import Query, Searcher


@pytest.fixture
def home(paint, pictures, tmp_path):
    """A red picture with the caption "blue" and a blue one with the caption "red"."""
    paint("red.png", caption="blue")
    paint("blue.png", caption="red")
    index_colours(pictures, tmp_path / "library")
    return tmp_path / "library"


def first(home, *words) -> str:
    return answered("search", "red", "--library", home, *words)["hits"][0]["path"].split("/")[-1]


def test_search_asks_with_the_weight_of_the_library_unless_one_is_named(home):
    assert answered("status", "--library", home)["weight"] == 0.5
    for weight, found in ((0.9, "red.png"), (0.1, "blue.png")):
        assert run("index", "--library", home, "--weight", weight).exit_code == 0
        assert answered("status", "--library", home)["weight"] == weight
        assert first(home) == found
        assert answered("search", "red", "--library", home)["query"]["weight"] == weight
    assert first(home, "--weight", 1) == "red.png"
    assert run("index", "--library", home).exit_code == 0
    assert answered("status", "--library", home)["weight"] == 0.1  # kept by later runs


def test_similar_asks_with_it_too(home, pictures):
    run("index", "--library", home, "--weight", 0.2)
    answer = answered("similar", pictures / "red.png", "--library", home)
    assert answer["query"]["weight"] == 0.2
    with Library.open(home) as library:
        (hit, *_) = Searcher(library).search("red").hits
        assert Searcher(library).similar(hit.picture_id).query.weight == 0.2
        assert Searcher(library).search(Query.of("red", weight=0.7)).query.weight == 0.7


def test_new_library_takes_a_weight(colour_pictures, tmp_path):
    index_colours(colour_pictures, tmp_path / "library", "--weight", "0.3")
    assert answered("status", "--library", tmp_path / "library")["weight"] == 0.3


def test_setting_the_weight_encodes_nothing(colour_library, colour_pictures):
    rows = colour_library.vectors().rows.copy()
    report = index_folder(colour_library, options=IndexOptions(workers=1, weight=0.4))
    assert (report.added, report.changed) == (0, 0)
    assert colour_library.encoder.images == colour_library.encoder.texts == 0
    assert (colour_library.vectors().rows == rows).all()
    assert colour_library.weight == 0.4


def test_fusion_that_takes_no_weight_keeps_its_own(colour_library):
    colour_library.set_weight(0.3)
    colour_library.set_fusion("mean")
    assert colour_library.weight == 0.5
    assert Searcher(colour_library).search("red").query.weight == 0.5
    with pytest.raises(InputError, match="weight built in"):
        colour_library.set_weight(0.3)
    colour_library.set_fusion("concat")
    assert colour_library.weight == 0.3


def test_weight_that_the_fusion_cannot_serve_is_refused_before_anything_changes(home, pictures):
    said = refusal("index", "--library", home, "--fusion", "mean", "--weight", "0.3", status=2)
    assert "weight built in" in said
    status = answered("status", "--library", home)
    assert (status["fusion"], status["weight"]) == ("concat", 0.5)
    new = home.parent / "new"
    words = ("index", pictures, "--library", new, "--fusion", "mean", "--weight", "0.3")
    assert "weight built in" in refusal(*words, status=2)
    assert not new.exists()


@pytest.mark.parametrize("weight", ["1.1", "-0.1", "much"])
def test_weight_out_of_range_is_wrong_usage(home, weight):
    assert run("index", "--library", home, "--weight", weight).exit_code == 2
    assert answered("status", "--library", home)["weight"] == 0.5


def test_move_to_another_encoder_keeps_the_weight(home):
    run("index", "--library", home, "--weight", "0.3")
    assert run("index", "--library", home, "--model", "colour:centred").exit_code == 0
    status = answered("status", "--library", home)
    assert (status["encoder"], status["weight"]) == ("colour:centred", 0.3)


def test_library_of_before_has_the_former_weight():
    stored = json.loads(LibrarySettings("mini", "f", 512).to_json())
    del stored["weight"]
    assert LibrarySettings.from_json(json.dumps(stored)).weight == 0.5
