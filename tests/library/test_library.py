"""A library: made, opened, locked, damaged, rebuilt; what is stored comes back."""

import json
import os
import shutil
import sqlite3
from contextlib import suppress

import numpy as np
import pytest
from conftest import forget_counts
from sqlalchemy import exc, text

from indexer import IndexOptions, Library, index_folder
from indexer.catalogue import database
from indexer.catalogue.database import FILE, sqlite_errors
from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.catalogue.lookup.tables import chunks
from indexer.embedding import IMAGE, TEXT
from indexer.errors import (
    EncoderMismatch,
    InputError,
    LibraryDamaged,
    LibraryError,
    LibraryLocked,
    LibraryNotFound,
    ModelError,
)
from indexer.settings import LibrarySettings
from search import Searcher

QUICK = IndexOptions(workers=1)


def names(answer):
    return [hit.path.name for hit in answer.hits]


def vector_files(library):
    return sorted(path.name for path in library.path.glob("vectors-*"))


def test_library_that_was_closed_finds_the_same_when_opened(colour_library):
    before = Searcher(colour_library).search("red").hits
    colour_library.close()
    with Library.open(colour_library.path) as again:
        assert Searcher(again).search("red").hits == before


def test_copied_library_finds_the_same(colour_library, tmp_path):
    before = Searcher(colour_library).search("blue").hits
    colour_library.close()
    shutil.copytree(colour_library.path, tmp_path / "copy")
    with Library.open(tmp_path / "copy") as copy:
        after = Searcher(copy).search("blue").hits
    assert [(hit.path, hit.score) for hit in after] == [(hit.path, hit.score) for hit in before]


def test_closed_library_leaves_no_journal(colour_library):
    colour_library.close()
    assert not list(colour_library.path.glob("*-wal"))


def test_new_library_is_empty(library):
    assert library.catalogue.counts() == {"captions": 0}
    assert len(library.vectors()) == 0
    assert Searcher(library).search("red").hits == ()


def test_settings_say_what_made_the_library(library):
    fingerprint = library.encoder.fingerprint
    assert library.settings == LibrarySettings("colour", fingerprint, 5, "concat")


def test_settings_of_a_later_version_can_be_read():
    stored = json.dumps({"encoder": "mini", "dim": 512, "invented_later": [1]})
    assert LibrarySettings.from_json(stored) == LibrarySettings("mini", "", 512, "concat")


def test_no_library_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(
        LibraryNotFound, match="no library here; create one with 'picfuse index FOLDER"
    ):
        Library.open(tmp_path / "nowhere")


def test_directory_of_other_things_is_not_opened(colour_pictures):
    with pytest.raises(LibraryNotFound, match="not a picfuse library"):
        Library.open(colour_pictures)


def test_library_is_not_made_over_another(colour_library):
    with pytest.raises(LibraryError, match=r"already a library; open it with Library\.open"):
        Library.create(colour_library.path, encoder="colour")


def test_library_is_not_made_among_other_things(colour_pictures):
    before = sorted(os.listdir(colour_pictures))
    with pytest.raises(LibraryNotFound, match="neither a library nor empty"):
        Library.create(colour_pictures, encoder="colour")
    assert sorted(os.listdir(colour_pictures)) == before


def test_library_is_not_made_in_place_of_a_file(tmp_path):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(LibraryNotFound, match="a file, not a library"):
        Library.create(tmp_path / "file", encoder="colour")


def test_library_is_made_in_an_empty_directory(tmp_path):
    Library.create(tmp_path, encoder="colour").close()
    assert (tmp_path / FILE).is_file()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"encoder": "no such"}, InputError),
        ({"encoder": "colour:missing"}, ModelError),
        ({"encoder": "colour", "fusion": "no such"}, InputError),
    ],
)
def test_failed_creation_leaves_nothing_behind(tmp_path, options, error):
    with pytest.raises(error):
        Library.create(tmp_path / "library", **options)
    assert not (tmp_path / "library").exists()


def test_encoder_that_cannot_encode_leaves_nothing_behind(tmp_path, monkeypatch):
    def fail(self, texts):
        raise ModelError("out of order")

    monkeypatch.setattr("colour_encoder.ColourEncoder.encode_texts", fail)
    with pytest.raises(ModelError, match="out of order"):
        Library.create(tmp_path / "library", encoder="colour")
    assert not (tmp_path / "library").exists()


def test_library_that_cannot_be_made_says_why(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(LibraryError, match=r"cannot be created .* --library"):
        Library.create(tmp_path / "file" / "library", encoder="colour")


@pytest.mark.parametrize(
    "name", ["a?b", "a#b", "100%", "a b", "line\nbreak", "é", os.fsdecode(b"\xff\xfe"), "a'b\"c"]
)
def test_library_path_may_hold_odd_characters(tmp_path, colour_pictures, name):
    with Library.create(tmp_path / name / "lib", encoder="colour") as made:
        assert index_folder(made, colour_pictures, options=QUICK).added == 5
        assert names(Searcher(made).search("red", k=1)) == ["red.png"]
    with Library.open(tmp_path / name / "lib", read_only=True) as opened:
        forget_counts(opened)
        assert names(Searcher(opened).search("green", k=1)) == ["green.png"]
        assert opened.path == tmp_path / name / "lib"
    assert vector_files(opened)


def test_newer_schema_is_refused(library):
    with library._engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LibraryError, match=r"newer picfuse \(schema 9999.*update picfuse"):
        Library.open(library.path)


@pytest.mark.parametrize("content", [b"SQLite format 3\0 and nonsense" * 99, b"hello" * 999])
def test_file_that_is_no_catalogue_is_reported_as_damaged(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(LibraryDamaged, match=str(tmp_path)):
        Library.open(tmp_path)


def test_catalogue_damaged_in_the_middle_is_reported_as_damaged(colour_library):
    path = colour_library.path
    colour_library.close()
    with sqlite3.connect(path / FILE) as connection:
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'folders'"
        (page,) = connection.execute(query).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.close()
    with (path / FILE).open("rb+") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with Library.open(path) as damaged, pytest.raises(LibraryDamaged, match="restore"):
        damaged.catalogue.folders()


def test_library_without_settings_is_damaged(library):
    with library._engine.begin() as connection:
        connection.execute(text("DELETE FROM settings"))
    with pytest.raises(LibraryDamaged, match="lost its settings"):
        _ = library.settings


def test_other_version_of_the_encoder_is_refused(colour_library, monkeypatch):
    monkeypatch.setattr("colour_encoder.VERSION", ["2"])
    with (
        Library.open(colour_library.path) as opened,
        pytest.raises(EncoderMismatch, match="another version of 'colour'"),
    ):
        Searcher(opened).search("red")


def test_second_writer_is_told_that_the_library_is_locked(colour_library, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    with Library.open(colour_library.path) as second, colour_library.writing():
        with (
            pytest.raises(LibraryLocked, match="another process is writing"),
            second.writing(),
        ):
            raise AssertionError("two writers at once")
        assert names(Searcher(second).search("red", k=1)) == ["red.png"]  # reading goes on


def test_indexing_into_a_locked_library_says_so(colour_library, paint, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    paint("white.png")
    with (
        Library.open(colour_library.path) as second,
        colour_library.writing(),
        pytest.raises(LibraryLocked),
    ):
        index_folder(second, options=QUICK)


def test_failed_batch_changes_nothing(colour_library):
    before = colour_library.generation
    with suppress(ZeroDivisionError), colour_library.writing() as batch:
        batch.settings.set("colour", "mauve")
        raise ZeroDivisionError
    assert colour_library.catalogue.setting("colour") is None
    assert colour_library.generation == before


def test_each_batch_is_a_generation(library):
    before = library.generation
    with library.writing() as batch:
        batch.settings.set("a", "1")
        batch.settings.set("a", "2")
    assert library.generation == before + 1
    assert library.catalogue.setting("a") == "2"


def test_library_opened_for_reading_cannot_be_written(colour_library):
    with (
        Library.open(colour_library.path, read_only=True) as opened,
        pytest.raises(LibraryError, match="opened read-only"),
        opened.writing(),
    ):
        raise AssertionError("written")


def test_library_in_a_directory_that_cannot_be_written_is_searched(colour_library, monkeypatch):
    colour_library.close()
    before = sorted(os.listdir(colour_library.path))
    monkeypatch.setattr(database.os, "access", lambda path, mode: False)
    with Library.open(colour_library.path, read_only=True) as opened:
        assert names(Searcher(opened).search("red", k=1)) == ["red.png"]
        assert sorted(os.listdir(colour_library.path)) == before
    assert sorted(os.listdir(colour_library.path)) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_write_protected_directory_is_searched(colour_library):
    colour_library.close()
    colour_library.path.chmod(0o555)
    try:
        with Library.open(colour_library.path, read_only=True) as opened:
            assert names(Searcher(opened).search("red", k=1)) == ["red.png"]
    finally:
        colour_library.path.chmod(0o755)


def test_full_disk_is_an_error_that_says_what_is_kept(tmp_path):
    full = sqlite3.OperationalError("database or disk is full")
    with pytest.raises(LibraryError, match="finished work is kept"), sqlite_errors(tmp_path):
        raise exc.OperationalError("INSERT", {}, full)


# The vector index is a cache


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:-20])


def damage_head(path):
    path.write_bytes(b"\0" * 30 + path.read_bytes()[30:])


def damage_missing(path):
    path.unlink()


def damage_directory(path):
    path.unlink()
    path.mkdir()


def damage_other(path):
    path.write_bytes(b"hello")


DAMAGES = [damage_truncated, damage_head, damage_missing, damage_directory, damage_other]


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_vector_file_is_rebuilt_without_encoding(colour_library, damage):
    before = Searcher(colour_library).search("blue").hits
    colour_library.close()
    (name,) = vector_files(colour_library)
    damage(colour_library.path / name)
    with Library.open(colour_library.path) as opened:
        forget_counts(opened)
        assert len(opened.vectors()) == 5
        assert (opened.encoder.images, opened.encoder.texts) == (0, 0)
        assert Searcher(opened).search("blue").hits == before


@pytest.mark.parametrize("damage", [damage_truncated, damage_head, damage_missing])
def test_next_indexing_replaces_a_damaged_vector_file(colour_library, damage, monkeypatch):
    colour_library.close()
    (name,) = vector_files(colour_library)
    damage(colour_library.path / name)
    with Library.open(colour_library.path) as opened:
        assert index_folder(opened, options=QUICK).unchanged == 5
    with Library.open(colour_library.path) as again:
        monkeypatch.setattr(Library, "fused", None)  # so that fusing again would fail
        assert len(again.vectors()) == 5


def test_vector_file_that_is_up_to_date_is_not_fused_again(colour_library, monkeypatch):
    with Library.open(colour_library.path) as opened:
        monkeypatch.setattr(Library, "fused", None)
        assert sorted(opened.vectors().picture_ids) == [1, 2, 3, 4, 5]


def test_vector_file_that_is_behind_catches_up(colour_library, paint):
    colour_library.close()
    before = vector_rows(colour_library)
    (old,) = vector_files(colour_library)
    kept = (colour_library.path / old).read_bytes()
    with Library.open(colour_library.path) as opened:
        paint("white.png")
        index_folder(opened, options=QUICK)
        (opened.path / old).write_bytes(kept)
    with sqlite3.connect(colour_library.path / FILE) as connection:
        connection.execute("DELETE FROM segments")
        connection.executemany("INSERT INTO segments VALUES (?, ?, ?, ?)", before[1])
        connection.execute("UPDATE settings SET value = ? WHERE key = 'vectors'", before[0])
    connection.close()
    with Library.open(colour_library.path) as again:
        assert names(Searcher(again).search("white", k=1)) == ["white.png"]
        assert len(again.vectors()) == 6


def test_vector_files_of_the_former_format_are_replaced_silently(colour_library):
    before = Searcher(colour_library).search("blue").hits
    made_with = colour_library.vectors_key
    colour_library.close()
    (name,) = vector_files(colour_library)
    (colour_library.path / name).rename(colour_library.path / "vectors-0123456789abcdef.faiss")
    facts = json.dumps({"made_with": made_with, "generation": colour_library.generation})
    with sqlite3.connect(colour_library.path / FILE) as connection:  # as schema 0003 began with
        connection.execute("UPDATE segments SET file = 'vectors-0123456789abcdef.faiss'")
        connection.execute("UPDATE settings SET value = ? WHERE key = 'vectors'", (facts,))
    connection.close()
    with Library.open(colour_library.path, read_only=True) as opened:
        assert Searcher(opened).search("blue").hits == before
    with Library.open(colour_library.path) as opened:
        forget_counts(opened)
        assert index_folder(opened, options=QUICK).unchanged == 5
        assert (opened.encoder.images, opened.encoder.texts) == (0, 0)
    assert vector_files(colour_library) == [name]


def test_damaged_row_is_noticed_by_the_query_that_reads_it(colour_library):
    before = Searcher(colour_library).search("blue").hits
    colour_library.close()
    (name,) = vector_files(colour_library)
    path = colour_library.path / name
    content = bytearray(path.read_bytes())
    content[-70] ^= 4  # within the rows, of which opening reads nothing
    path.write_bytes(content)
    with Library.open(colour_library.path, read_only=True) as opened:
        opened.vectors()
        assert Searcher(opened).search("blue").hits == before


def vector_rows(library):
    """Rows of the catalogue for the vector files."""
    with sqlite3.connect(library.path / FILE) as connection:
        facts = connection.execute("SELECT value FROM settings WHERE key = 'vectors'").fetchone()
        segments = connection.execute("SELECT position, file, checksum, keys FROM segments")
        found = facts, segments.fetchall()
    connection.close()
    return found


def test_only_the_newest_vector_file_is_kept(colour_library, paint):
    (old,) = vector_files(colour_library)
    paint("white.png")
    index_folder(colour_library, options=QUICK)
    (new,) = vector_files(colour_library)
    assert new != old
    assert [row[1] for row in vector_rows(colour_library)[1]] == [new]


def test_vector_index_that_cannot_be_written_is_an_error_with_a_remedy(colour_library, paint):
    paint("white.png")
    (colour_library.path / f"vectors-{os.getpid()}.tmp").mkdir()
    with pytest.raises(LibraryError, match="cannot be written"):
        index_folder(colour_library, options=QUICK)
    assert colour_library.catalogue.counts()["present"] == 6  # finished work is kept


def test_index_in_use_is_left_alone_while_the_library_grows(colour_library, paint):
    index = colour_library.vectors()
    rows = index.rows
    before = rows.copy()
    paint("white.png")
    index_folder(colour_library, options=QUICK)
    assert len(colour_library.vectors()) == 6
    assert len(index) == 5
    del index
    assert np.array_equal(rows, before)


def test_other_fusion_makes_new_rows_without_encoding(colour_library):
    before = Searcher(colour_library).search("blue").hits
    colour_library.set_fusion("mean")
    assert colour_library.vectors().rows.shape == (5, 5)
    after = Searcher(colour_library).search("blue").hits
    assert (colour_library.encoder.images, colour_library.encoder.texts) == (0, 2)  # two queries
    assert [hit.path for hit in after] == [hit.path for hit in before]


def test_other_fusion_is_noticed_by_a_library_that_is_open(colour_library):
    with Library.open(colour_library.path) as other:
        assert other.vectors().rows.shape == (5, 10)
        colour_library.set_fusion("mean")
        assert other.vectors().rows.shape == (5, 5)
        assert names(Searcher(other).search("red", k=1)) == ["red.png"]


def test_other_process_is_noticed_by_a_library_that_is_open(colour_library, paint):
    searcher = Searcher(colour_library)
    assert names(searcher.search("white", k=1)) == ["yellow.png"]
    paint("white.png")
    with Library.open(colour_library.path) as other:
        index_folder(other, options=QUICK)
    assert names(searcher.search("white", k=1)) == ["white.png"]


# What is stored comes back


def test_embeddings_come_back_as_unit_rows_of_half_precision(colour_library):
    found = colour_library.embedded([1, 2, 3, 4, 5])
    for rows in (found.v_i, found.v_t[found.has_caption]):
        assert rows.dtype == np.float32
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    blue, yellow = found.v_i[1], found.v_i[4]
    assert np.allclose(blue, [0, 0, 1, 0, 0], atol=1e-3)
    assert np.allclose(yellow, np.array([1, 1, 0, 0, 0]) / np.sqrt(2), atol=1e-3)
    assert found.has_caption.tolist() == [True, False, False, False, True]  # by name
    assert not found.v_t[~found.has_caption].any()


def test_several_captions_become_their_normalised_mean(library, paint, pictures):
    paint("red.png")
    table = pictures / "captions.csv"
    table.write_text("file,caption\nred.png,green\nred.png,blue\nred.png,blue\n")
    index_folder(library, pictures, options=QUICK)
    found = library.embedded([1])
    assert np.allclose(found.v_t[0], np.array([0, 1, 1, 0, 0]) / np.sqrt(2), atol=1e-3)


def test_many_pictures_are_asked_for_at_once(colour_library):
    found = colour_library.embedded([*range(5000, 1, -1), 1])
    assert sorted(found.ids) == [1, 2, 3, 4, 5]
    assert colour_library.embedded([]).v_i.shape == (0, 5)


def test_picture_is_shown_with_its_size_and_captions(colour_library, colour_pictures):
    shown = colour_library.catalogue.pictures([1, 99])
    content = shown[1].content_hash
    path = colour_pictures / "black.png"
    assert shown == {1: PictureInfo(1, path, content, 16, 12, ("black cat",))}


def test_forgotten_folder_takes_its_pictures_along(colour_library):
    (folder,) = colour_library.catalogue.folders()
    with colour_library.writing() as batch:
        assert batch.folders.forget(folder.id) == 5
    assert colour_library.catalogue.folders() == []
    assert len(colour_library.vectors()) == 0
    assert Searcher(colour_library).search("red").hits == ()


def test_embeddings_of_a_forgotten_folder_are_used_again(colour_library, colour_pictures):
    with colour_library.writing() as batch:
        batch.folders.forget(1)
    assert index_folder(colour_library, colour_pictures, options=QUICK).added == 5
    assert (colour_library.encoder.images, colour_library.encoder.texts) == (0, 0)
    assert min(colour_library.catalogue.present_ids()) > 5  # an id is never used twice


def test_present_pictures_come_in_the_order_of_their_paths(colour_library):
    assert colour_library.catalogue.present_ids() == [1, 2, 3, 4, 5]
    assert colour_library.catalogue.present_ids(limit=2, offset=1) == [2, 3]


def test_stored_contents_are_known_by_modality(colour_library):
    known = colour_library.catalogue.pictures([1])[1].content_hash
    encoder = colour_library.encoder_id
    assert colour_library.embeddings.stored(encoder, IMAGE, [known, b"?"]) == {known}
    assert colour_library.embeddings.stored(encoder, TEXT, [known]) == set()


def test_chunks_hold_everything_once():
    assert [list(part) for part in chunks(range(5), 2)] == [[0, 1], [2, 3], [4]]
