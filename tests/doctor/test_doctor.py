"""The doctor: it finds what is wrong, says what that means, and puts it right."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest
from conftest import forget_counts

from indexer import IndexOptions, Library, index_folder
from indexer.catalogue.database import FILE
from indexer.doctor import examine, repair
from indexer.errors import LibraryDamaged, LibraryLocked
from indexer.library.locking import only_writer
from indexer.pictures.thumbnails import read_thumbnail, thumbnail_path
from search import Searcher

QUICK = IndexOptions(workers=1)


def checks(library):
    """Names of the checks that found something, serious ones first."""
    found = examine(library)
    return (
        [finding.check for finding in found if finding.serious],
        [finding.check for finding in found if not finding.serious],
    )


def run_sql(library, *statements):
    with closing(sqlite3.connect(library.path / FILE)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def names(library, query, k=10):
    return {hit.path.name for hit in Searcher(library).search(query, k=k).hits}


def test_sound_library_has_no_findings(colour_library):
    assert examine(colour_library) == []


def test_empty_library_is_sound(library):
    assert examine(library) == []


def test_library_opened_for_reading_is_examined_and_not_changed(colour_library):
    before = {p: p.stat().st_mtime_ns for p in colour_library.path.rglob("*") if p.is_file()}
    with Library.open(colour_library.path, read_only=True) as reader:
        assert examine(reader) == []
    after = {p: p.stat().st_mtime_ns for p in colour_library.path.rglob("*") if p.is_file()}
    assert {path: after[path] for path in before} == before


def test_every_finding_says_what_it_means_and_what_helps(colour_library, colour_pictures):
    for thumbnail in colour_library.thumbnails.rglob("*.jpg"):
        thumbnail.unlink()
    for vectors in colour_library.path.glob("vectors-*"):
        vectors.write_bytes(b"")
    (colour_pictures / "red.png").unlink()
    found = examine(colour_library)
    assert {finding.check for finding in found} == {"vectors", "thumbnails", "files"}
    for finding in found:
        assert len(finding.meaning) > 20
        assert len(finding.remedy) > 10
        assert finding.count > 0


# The catalogue


def test_picture_without_embedding_is_found_and_encoded_by_the_next_run(colour_library):
    run_sql(colour_library, "DELETE FROM embeddings WHERE modality = 'image' AND id < 3")
    assert "pictures" in checks(colour_library)[0]
    repair(colour_library, examine(colour_library))
    assert checks(colour_library) == ([], ["waiting"])
    forget_counts(colour_library)
    index_folder(colour_library, options=QUICK)
    assert colour_library.encoder.images == 2
    assert examine(colour_library) == []
    assert len(colour_library.vectors()) == 5


def test_caption_without_embedding_is_found_and_encoded_by_the_next_run(colour_library):
    run_sql(colour_library, "DELETE FROM embeddings WHERE modality = 'text'")
    (serious, _) = checks(colour_library)
    assert "captions" in serious
    repair(colour_library, examine(colour_library))
    forget_counts(colour_library)
    index_folder(colour_library, options=QUICK)
    assert (colour_library.encoder.images, colour_library.encoder.texts) == (0, 2)
    assert examine(colour_library) == []


@pytest.mark.parametrize("vector", ["x'00'", "zeroblob(10)", "x'007e007e007e007e007e'"])
def test_damaged_embedding_is_deleted_and_made_again(colour_library, vector):
    run_sql(colour_library, f"UPDATE embeddings SET vector = {vector} WHERE id = 1")
    assert "embeddings" in checks(colour_library)[0]
    repair(colour_library, examine(colour_library))
    index_folder(colour_library, options=QUICK)
    assert examine(colour_library) == []
    assert len(colour_library.vectors()) == 5


def test_damaged_embeddings_of_captions_are_deleted_and_made_again(colour_library):
    run_sql(colour_library, "UPDATE embeddings SET vector = x'00' WHERE modality = 'text'")
    repair(colour_library, examine(colour_library))
    forget_counts(colour_library)
    index_folder(colour_library, options=QUICK)
    assert (colour_library.encoder.images, colour_library.encoder.texts) == (0, 2)
    assert examine(colour_library) == []
    hits = {hit.path.name: hit for hit in Searcher(colour_library).search("blue").hits}
    assert hits["yellow.png"].caption_score == pytest.approx(1, abs=1e-3)  # "blue boat"


def test_embedding_of_another_width_is_no_crash_of_a_search(colour_library):
    run_sql(colour_library, "UPDATE embeddings SET vector = x'00' WHERE id = 1")
    for vectors in colour_library.path.glob("vectors-*"):
        vectors.unlink()
    with (
        Library.open(colour_library.path) as opened,
        pytest.raises(LibraryDamaged, match="picfuse doctor --repair"),
    ):
        Searcher(opened).search("red")


def test_orphaned_rows_are_found_and_deleted(colour_library):
    run_sql(
        colour_library,
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO captions (picture_id, position, text, text_hash, source, embedded) "
        "VALUES (99, 0, 'lost', x'00', 'txt', 0)",
        "INSERT INTO embeddings (encoder_id, modality, hash, vector) "
        "VALUES (77, 'image', x'01', x'00')",
    )
    assert checks(colour_library)[0] == ["references"]
    repair(colour_library, examine(colour_library))
    assert examine(colour_library) == []


def test_damaged_search_tree_is_built_again(colour_library):
    path = colour_library.path
    colour_library.close()
    with closing(sqlite3.connect(path / FILE)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        # The rows are put in while SQLite does not know of the tree that should list them.
        saved = connection.execute(
            "SELECT sql, rootpage FROM sqlite_master WHERE name = 'pictures_by_size'"
        ).fetchone()
        connection.execute("DELETE FROM sqlite_master WHERE name = 'pictures_by_size'")
        connection.commit()
    with closing(sqlite3.connect(path / FILE)) as connection:
        connection.execute("UPDATE pictures SET size = size + 1 WHERE id = 2")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) "
            "VALUES ('index', 'pictures_by_size', 'pictures', ?, ?)",
            (saved[1], saved[0]),
        )
        connection.commit()
    with Library.open(path) as opened:
        (finding,) = [found for found in examine(opened) if found.check == "catalogue"]
        assert "its rows are whole" in finding.meaning
        repair(opened, [finding])
        assert not [found for found in examine(opened) if found.check == "catalogue"]


def test_embeddings_that_nothing_has_any_more_are_a_note(colour_library, paint):
    os.utime(paint("red.png", "white"), ns=(1, 1))
    index_folder(colour_library, options=QUICK)
    assert checks(colour_library) == ([], ["unused", "thumbnails"])
    repair(colour_library, examine(colour_library))
    assert examine(colour_library) == []


# Files


def test_thumbnails_are_made_again_from_their_pictures(colour_library, colour_pictures):
    damaged, missing, *_ = sorted(colour_library.thumbnails.rglob("*.jpg"))
    damaged.write_bytes(damaged.read_bytes()[:-20])
    missing.unlink()
    (colour_library.thumbnails / "00").mkdir(exist_ok=True)
    (colour_library.thumbnails / "00" / ("00" * 16 + ".jpg")).write_bytes(b"whose?")
    (damaged.parent / f".{damaged.stem}.1.2").write_bytes(b"left by a killed process")
    assert checks(colour_library) == (["thumbnails"], ["thumbnails", "thumbnails"])
    repair(colour_library, examine(colour_library))
    assert examine(colour_library) == []
    assert read_thumbnail(damaged)
    assert read_thumbnail(missing)


def test_damaged_thumbnail_of_a_lost_picture_is_deleted(colour_library, colour_pictures):
    content = colour_library.catalogue.pictures([1])[1].content_hash
    thumbnail = thumbnail_path(colour_library.thumbnails, content)
    thumbnail.write_bytes(b"damaged")
    shutil.rmtree(colour_pictures)
    repair(colour_library, examine(colour_library))
    assert not thumbnail.exists()


def test_rows_that_disagree_with_the_catalogue_are_found_and_made_again(colour_library):
    blue = names(colour_library, "blue", 1)
    run_sql(
        colour_library,
        "UPDATE embeddings SET hash = x'ff' WHERE modality = 'image' AND hash = "
        "(SELECT content_hash FROM pictures WHERE relative = CAST('red.png' AS BLOB))",
        "UPDATE embeddings SET hash = (SELECT content_hash FROM pictures WHERE relative = "
        "CAST('red.png' AS BLOB)) WHERE modality = 'image' AND hash = "
        "(SELECT content_hash FROM pictures WHERE relative = CAST('blue.png' AS BLOB))",
        "UPDATE embeddings SET hash = (SELECT content_hash FROM pictures WHERE relative = "
        "CAST('blue.png' AS BLOB)) WHERE hash = x'ff'",
    )
    assert blue == {"blue.png"}
    found = examine(colour_library)
    assert any("disagree with the catalogue" in finding.meaning for finding in found)
    repair(colour_library, found)
    assert not [f for f in examine(colour_library) if f.check == "vectors"]


def test_leftovers_of_killed_writers_are_a_note_and_deleted(colour_library):
    (colour_library.path / "vectors-1.tmp").write_bytes(b"half")
    assert checks(colour_library) == ([], ["vectors"])
    repair(colour_library, examine(colour_library))
    assert examine(colour_library) == []


def test_pictures_gone_or_changed_since_are_notes(colour_library, colour_pictures, paint):
    (colour_pictures / "red.png").unlink()
    os.utime(paint("blue.png", "white"), ns=(1, 1))
    found = examine(colour_library)
    assert [(finding.check, finding.serious, finding.count) for finding in found] == [
        ("files", False, 1),
        ("files", False, 1),
    ]
    assert found[0].examples == (str(colour_pictures / "red.png"),)
    assert found[1].examples == (str(colour_pictures / "blue.png"),)


# The encoder


def test_encoder_that_gives_something_else_is_noticed(colour_library, monkeypatch):
    encode = type(colour_library.encoder).encode_texts
    monkeypatch.setattr(
        type(colour_library.encoder), "encode_texts", lambda self, texts: -encode(self, texts)
    )
    (finding,) = examine(colour_library)
    assert (finding.check, finding.serious) == ("encoder", True)
    assert "cosine -1.0000" in finding.meaning
    assert "package was updated" in finding.meaning


def test_picture_that_gives_another_embedding_than_at_first_is_noticed(colour_library):
    """As when a new version of a decoder reads other pixels: the golden picture has no file."""
    red, blue = (
        f"(SELECT content_hash FROM pictures WHERE relative = CAST('{name}.png' AS BLOB))"
        for name in ("red", "blue")
    )
    vector = f"(SELECT vector FROM embeddings WHERE modality = 'image' AND hash = {blue})"
    run_sql(colour_library, f"UPDATE embeddings SET vector = {vector} WHERE hash = {red}")
    drifted = [finding for finding in examine(colour_library) if finding.check == "encoder"]
    assert [finding.count for finding in drifted] == [1]
    assert "red.png (cosine 0.000)" in drifted[0].examples[0]


def test_encoder_of_another_version_is_found_with_the_way_out(colour_library, monkeypatch):
    colour_library.close()
    monkeypatch.setattr("colour_encoder.VERSION", ["2"])
    with Library.open(colour_library.path) as opened:
        (finding,) = [found for found in examine(opened) if found.check == "encoder"]
    assert "picfuse index --model colour" in finding.remedy


def test_library_of_before_gets_its_golden_embeddings_by_repair(colour_library):
    run_sql(colour_library, "UPDATE encoders SET golden_image = NULL, golden_text = NULL")
    assert checks(colour_library) == ([], ["encoder"])
    repair(colour_library, examine(colour_library))
    assert examine(colour_library) == []


# Repair


def test_repair_waits_for_no_other_writer(colour_library, monkeypatch):
    monkeypatch.setattr("indexer.catalogue.database.BUSY_SECONDS", 0.05)
    run_sql(colour_library, "DELETE FROM embeddings WHERE id = 1")
    found = examine(colour_library)
    with only_writer(colour_library.path), pytest.raises(LibraryLocked, match="another picfuse"):
        repair(colour_library, found)


def test_repair_that_fails_changes_nothing(colour_library, monkeypatch):
    os.utime(colour_library.path / FILE)
    run_sql(
        colour_library,
        "DELETE FROM embeddings WHERE id = 1",
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO captions (picture_id, position, text, text_hash, source, embedded) "
        "VALUES (99, 0, 'lost', x'00', 'txt', 0)",
    )
    before = checks(colour_library)

    def broken(*_):
        raise RuntimeError("as if killed")

    monkeypatch.setattr(
        "indexer.catalogue.changes.pictures.PictureChanges.recheck_unembedded", broken
    )
    with pytest.raises(RuntimeError):
        repair(colour_library, examine(colour_library))
    monkeypatch.undo()
    assert checks(colour_library) == before
