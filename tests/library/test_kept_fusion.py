"""A library and its learned fusion: kept in the catalogue, checked, and never mixed up."""

import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
from command_line import answered, refusal, run
from learned_fusions import write_fusion

from indexer import IndexOptions, Library, index_folder
from indexer.doctor import examine
from indexer.encoders import load_encoder
from indexer.errors import InputError, LibraryDamaged, ModelError
from indexer.fusion import LEARNED, open_fusion
from search import Searcher


@pytest.fixture(params=sorted(LEARNED))
def fusion_name(request, tmp_path):
    """The name of a learned fusion for the colour encoder."""
    path = tmp_path / "weights" / "mine.safetensors"
    write_fusion(path, request.param, load_encoder("colour"), dim=5)
    return f"{request.param}:{path}"


def damage(library, statement, *values):
    with closing(sqlite3.connect(library.path / "catalogue.sqlite")) as connection:
        connection.execute(statement, values)
        connection.commit()


def kept(library):
    with closing(sqlite3.connect(library.path / "catalogue.sqlite")) as connection:
        query = "SELECT key FROM settings WHERE key LIKE 'fusion %'"
        return [key for (key,) in connection.execute(query)]


def test_learned_fusion_makes_new_rows_without_encoding(colour_library, fusion_name):
    before = colour_library.vectors()
    colour_library.set_fusion(fusion_name)
    index = colour_library.vectors()
    assert (colour_library.encoder.images, colour_library.encoder.texts) == (0, 0)
    assert index is not before
    expected = open_fusion(fusion_name)
    found = colour_library.embedded(index.picture_ids.tolist())
    rows = expected.pictures(found.v_i, found.v_t, found.has_caption)
    assert np.array_equal(index.rows, rows.astype(np.float16))
    assert len(Searcher(colour_library).search("red").hits) == 5


def test_library_needs_no_file_of_its_fusion_and_moves(colour_library, fusion_name, tmp_path):
    colour_library.set_fusion(fusion_name)
    hits = Searcher(colour_library).search("red").hits
    colour_library.close()
    shutil.rmtree(tmp_path / "weights")
    shutil.copytree(colour_library.path, tmp_path / "elsewhere")
    with Library.open(tmp_path / "elsewhere", read_only=True) as moved:
        assert moved.settings.fusion == fusion_name
        found = Searcher(moved).search("red").hits
        assert [hit.score for hit in found] == [hit.score for hit in hits]


def test_new_library_begins_with_a_learned_fusion(colour_pictures, fusion_name, tmp_path):
    with Library.create(tmp_path / "new", encoder="colour", fusion=fusion_name) as made:
        index_folder(made, colour_pictures, options=IndexOptions(workers=1))
        assert made.fusion.fingerprint == open_fusion(fusion_name).fingerprint
        assert len(made.vectors()) == 5


def test_file_that_has_changed_counts_when_it_is_named_again(colour_library, fusion_name, tmp_path):
    colour_library.set_fusion(fusion_name)
    before = colour_library.vectors().rows.copy()
    strategy, _, path = fusion_name.partition(":")
    write_fusion(tmp_path / "weights" / "mine.safetensors", strategy, load_encoder("colour"),
                 dim=5, seed=9)  # fmt: skip
    assert np.array_equal(colour_library.vectors().rows, before)
    colour_library.set_fusion(f"{strategy}:{path}")
    assert not np.allclose(colour_library.vectors().rows, before, atol=1e-3)


def test_fusion_that_is_set_again_changes_nothing(colour_library, fusion_name):
    colour_library.set_fusion(fusion_name)
    generation = colour_library.generation
    colour_library.set_fusion(fusion_name)
    assert colour_library.generation == generation


def test_weights_that_nothing_uses_any_more_are_deleted(colour_library, fusion_name):
    colour_library.set_fusion(fusion_name)
    assert len(kept(colour_library)) == 1
    colour_library.set_fusion("mean")
    assert len(kept(colour_library)) == 1  # a reader may be about to ask for them
    colour_library.set_fusion("concat")
    assert kept(colour_library) == []


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM settings WHERE key LIKE 'fusion %'",
        "UPDATE settings SET value = 'no base64' WHERE key LIKE 'fusion %'",
        "UPDATE settings SET value = 'AAAA' WHERE key LIKE 'fusion %'",
        "UPDATE settings SET value = substr(value, 1, 400) WHERE key LIKE 'fusion %'",
    ],
)
def test_damaged_weights_are_told_by_search_and_doctor_and_come_back(
    colour_library, fusion_name, statement
):
    colour_library.set_fusion(fusion_name)
    damage(colour_library, statement)
    with Library.open(colour_library.path) as opened:
        with pytest.raises(LibraryDamaged, match=r"'picfuse index --fusion .*' to copy them"):
            Searcher(opened).search("red")
        findings = examine(opened)
        assert [f.check for f in findings if f.serious] == ["fusion"]
        opened.set_fusion(fusion_name)
        assert len(Searcher(opened).search("red").hits) == 5
        assert not [f for f in examine(opened) if f.serious]


def test_weights_of_another_file_are_not_taken_for_those_of_the_library(colour_library, tmp_path):
    paths = [tmp_path / name for name in ("one", "two")]
    for seed, path in enumerate(paths):
        write_fusion(path, "gated", load_encoder("colour"), dim=5, seed=seed)
    colour_library.set_fusion(f"gated:{paths[0]}")
    (first,) = kept(colour_library)
    colour_library.set_fusion(f"gated:{paths[1]}")
    (second,) = set(kept(colour_library)) - {first}
    copied = "UPDATE settings SET value = (SELECT value FROM settings WHERE key = ?) WHERE key = ?"
    damage(colour_library, copied, first, second)
    with (
        Library.open(colour_library.path) as opened,
        pytest.raises(LibraryDamaged, match="not those it was built with"),
    ):
        _ = opened.fusion


def test_fusion_of_another_encoder_is_refused(colour_library, tmp_path):
    with pytest.raises(InputError, match="'gated' was trained for 'mini'"):
        colour_library.set_fusion("gated")
    assert colour_library.settings.fusion == "concat"
    with pytest.raises(InputError, match="does not fit 'colour'"):
        Library.create(tmp_path / "new", encoder="colour", fusion="product")
    assert not (tmp_path / "new").exists()


def test_file_that_is_not_there_is_refused(colour_library, tmp_path):
    with pytest.raises(ModelError, match=r"nowhere: cannot be read.*train fusion"):
        colour_library.set_fusion(f"gated:{tmp_path / 'nowhere'}")


# Moving to another encoder


def move(library, **options):
    return index_folder(library, options=IndexOptions(workers=1, model="colour:2", **options))


def test_move_is_refused_before_it_begins_when_the_fusion_does_not_fit(colour_library, fusion_name):
    colour_library.set_fusion(fusion_name)
    with pytest.raises(InputError, match=r"does not fit 'colour:2'.*--fusion concat"):
        move(colour_library)
    assert colour_library.settings.encoder == "colour"
    assert colour_library.embeddings.count(colour_library.encoder_id) > 0


def test_move_takes_another_fusion_along(colour_library, fusion_name, tmp_path):
    colour_library.set_fusion(fusion_name)
    move(colour_library, fusion="concat")
    assert colour_library.settings.encoder == "colour:2"
    assert colour_library.settings.fusion == "concat"
    path = write_fusion(tmp_path / "back", "gated", load_encoder("colour"), dim=5, seed=3)
    options = IndexOptions(workers=1, model="colour", fusion=f"gated:{path}")
    index_folder(colour_library, options=options)
    assert colour_library.settings.fusion == f"gated:{path}"
    assert len(Searcher(colour_library).search("red").hits) == 5


# The command line


def test_learned_fusion_from_index_to_search(colour_library, fusion_name):
    path = colour_library.path
    assert run("index", "--library", path, "--fusion", fusion_name).exit_code == 0
    assert answered("status", "--library", path)["fusion"] == fusion_name
    assert len(answered("search", "red", "--library", path)["hits"]) == 5
    said = refusal("search", "red", "--weight", 0.7, "--library", path, status=2)
    assert "has its weight built in" in said
    assert run("doctor", "--library", path).exit_code == 0


def test_fusions_that_cannot_be_used_are_told_apart(colour_library, tmp_path):
    path = colour_library.path
    assert "was trained for" in refusal("index", "--library", path, "--fusion", "gated", status=2)
    missing = f"gated:{tmp_path / 'nowhere'}"
    assert "cannot be read" in refusal("index", "--library", path, "--fusion", missing, status=3)
