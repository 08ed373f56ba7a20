"""A damaged catalogue: what can be read of it lives on."""

import os
import random
import shutil
import sqlite3
from contextlib import closing

import pytest
from conftest import forget_counts
from full_disk import files_of_at_most
from PIL import Image

from indexer import IndexOptions, Library, index_folder
from indexer.catalogue.database import FILE
from indexer.doctor import examine, repair
from indexer.doctor.rescue import DAMAGED, rescue
from indexer.encoders import registry
from indexer.errors import LibraryDamaged, LibraryError
from search import Searcher

QUICK = IndexOptions(workers=1)
PAGE = 4096


@pytest.fixture(scope="module")
def indexed(tmp_path_factory):
    """A library of a few hundred pictures, whose catalogue has many pages; closed."""
    pictures, path = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("large")
    for number in range(300):
        colour = (number % 256, number // 2, 90)
        Image.new("RGB", (16, 12), colour).save(pictures / f"{number:03}.png")
        (pictures / f"{number:03}.txt").write_text(f"number {number} " * 9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(registry.BUILT_IN, "colour", "colour_encoder:open_encoder")
        with Library.create(path / "library", encoder="colour") as library:
            index_folder(library, pictures, options=QUICK)
    return path / "library"


@pytest.fixture
def large(indexed, tmp_path):
    """A copy of that library, to be damaged."""
    return shutil.copytree(indexed, tmp_path / "library")


def damage_pages(path, table, count, seed=0):
    """Overwrite some of the pages that hold a table's rows."""
    with closing(sqlite3.connect(path / FILE)) as connection:
        query = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' AND path != '/'"
        try:
            pages = [row[0] for row in connection.execute(query, (table,))]
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no dbstat table to tell where the rows of a table lie")
    with (path / FILE).open("r+b") as file:
        for page in random.Random(seed).sample(pages, count):
            file.seek((page - 1) * PAGE)
            file.write(b"\xa5" * PAGE)


def counts(path):
    with closing(sqlite3.connect(path / FILE)) as connection:
        tables = ("folders", "pictures", "captions", "embeddings")
        return {t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}


@pytest.mark.parametrize("table", ["pictures", "captions", "embeddings"])
def test_damaged_pages_cost_only_their_own_rows(large, table):
    before = counts(large)
    damage_pages(large, table, 2)
    with Library.open(large) as opened:
        (finding,) = examine(opened)
        assert (finding.check, finding.serious) == ("catalogue", True)
        assert "--rescue" in finding.remedy
    found = rescue(large)
    assert found.damaged == large / DAMAGED
    after = counts(large)
    assert before[table] * 0.5 < after[table] < before[table]
    assert after["folders"] == before["folders"] == 1


def test_next_run_finds_lost_pictures_again_and_encodes_none(large):
    damage_pages(large, "pictures", 2)
    rescue(large)
    with Library.open(large) as opened:
        forget_counts(opened)
        assert index_folder(opened, options=QUICK).added > 10
        assert opened.encoder.images == 0
        assert not [finding for finding in examine(opened) if finding.serious]
        assert len(opened.vectors()) == 300


def test_lost_embeddings_alone_are_encoded_again(large):
    before = counts(large)
    damage_pages(large, "embeddings", 2)
    rescue(large)
    lost = before["embeddings"] - counts(large)["embeddings"]
    with Library.open(large) as opened:
        repair(opened, examine(opened))
        forget_counts(opened)
        index_folder(opened, options=QUICK)
        assert 0 < opened.encoder.images + opened.encoder.texts == lost
        assert not [finding for finding in examine(opened) if finding.serious]
    assert counts(large) == before


def test_next_run_encodes_lost_embeddings_again_without_a_repair(large):
    before = counts(large)
    damage_pages(large, "embeddings", 2)
    rescue(large)
    lost = before["embeddings"] - counts(large)["embeddings"]
    with Library.open(large) as opened:
        index_folder(opened, options=QUICK)
        assert 0 < opened.encoder.images + opened.encoder.texts == lost
        assert not [finding for finding in examine(opened) if finding.serious]
        assert len(opened.vectors()) == 300
    assert counts(large) == before


def test_captions_that_pictures_carry_come_back_without_encoding_a_picture(library, pictures):
    for number in range(300):
        exif = Image.Exif()
        exif[0x010E] = f"number {number} " * 20
        image = Image.new("RGB", (16, 12), (number % 256, number // 2, 90))
        image.save(pictures / f"{number:03}.jpg", exif=exif)
    index_folder(library, pictures, options=QUICK)
    library.close()
    before = counts(library.path)
    assert before["captions"] == 300
    damage_pages(library.path, "captions", 2)
    rescue(library.path)
    assert counts(library.path)["captions"] < 300
    with Library.open(library.path) as opened:
        index_folder(opened, options=QUICK)
        assert opened.encoder.images == 0
        hits = Searcher(opened).search("red", k=300).hits
        said = {int(hit.path.stem): hit.caption for hit in hits}
        assert said == {n: (f"number {n} " * 20).strip() for n in range(300)}
        assert not [finding for finding in examine(opened) if finding.serious]
    assert counts(library.path) == before


def test_sound_catalogue_is_copied_whole(large):
    before = counts(large)
    rescue(large)
    assert counts(large) == before
    with Library.open(large) as opened:
        assert not [finding for finding in examine(opened) if finding.serious]


def test_last_changes_in_the_journal_are_rescued_too(colour_library):
    with closing(sqlite3.connect(colour_library.path / FILE)) as writer:
        writer.execute("UPDATE captions SET text = 'still in the journal'")
        writer.commit()
        rescue(colour_library.path)
    with closing(sqlite3.connect(colour_library.path / FILE)) as reader:
        assert reader.execute("SELECT DISTINCT text FROM captions").fetchall() == [
            ("still in the journal",)
        ]


def test_journal_is_rescued_where_the_file_system_has_no_hard_links(
    colour_library, tmp_path, monkeypatch
):
    killed = tmp_path / "killed"
    with closing(sqlite3.connect(colour_library.path / FILE)) as writer:
        writer.execute("UPDATE captions SET text = 'still in the journal'")
        writer.commit()
        shutil.copytree(colour_library.path, killed)
    assert (killed / (FILE + "-wal")).stat().st_size > 0

    def no_links(*_, **__):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    found = rescue(killed)
    assert found.damaged.is_file()
    with Library.open(killed) as opened:
        said = {hit.caption for hit in Searcher(opened).search("red").hits}
    assert said == {None, "still in the journal"}


def test_catalogue_that_was_kept_before_is_kept_on(colour_library):
    path = colour_library.path
    colour_library.close()
    first = rescue(path).damaged
    kept = first.read_bytes()
    second = rescue(path).damaged
    assert first == path / DAMAGED
    assert second != first
    assert second.is_file()
    assert first.read_bytes() == kept


@pytest.mark.parametrize("name", ["what?", "100%41", "a#b", os.fsdecode(b"\xff")])
def test_library_of_any_name_is_rescued(colour_library, tmp_path, name):
    colour_library.close()
    shutil.move(colour_library.path, tmp_path / name)
    assert rescue(tmp_path / name).rows["pictures"] == 5
    with Library.open(tmp_path / name) as opened:
        assert len(opened.vectors()) == 5


def test_library_of_a_newer_picfuse_is_left_as_it_is(colour_library):
    path = colour_library.path
    colour_library.close()
    with closing(sqlite3.connect(path / FILE)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("ALTER TABLE pictures ADD COLUMN stars INTEGER")
        connection.commit()
    content = (path / FILE).read_bytes()
    with pytest.raises(LibraryError, match=r"made by a newer picfuse .*update picfuse"):
        rescue(path)
    assert (path / FILE).read_bytes() == content
    assert not (path / DAMAGED).exists()
    assert not list(path.glob("rescued*"))


def test_full_disk_is_said_and_leaves_the_catalogue_as_it_is(large):
    content = (large / FILE).read_bytes()
    with (
        files_of_at_most(len(content) // 2),
        pytest.raises(LibraryError, match="free some space and run the same command again"),
    ):
        rescue(large)
    assert (large / FILE).read_bytes() == content
    assert not list(large.glob("rescued*"))
    assert not (large / DAMAGED).exists()
    assert rescue(large).rows["pictures"] == 300


def test_catalogue_of_which_nothing_is_left_is_said_to_be_lost(large):
    content = bytearray((large / FILE).read_bytes())
    content[100:] = b"\xa5" * (len(content) - 100)
    (large / FILE).write_bytes(content)
    with pytest.raises(LibraryDamaged, match="too damaged to be rescued"):
        rescue(large)
    assert (large / FILE).read_bytes() == content
    assert {path.name for path in large.iterdir()} >= {FILE}
    assert not list(large.glob("rescued*"))


def test_nothing_to_rescue_is_an_error(tmp_path):
    with pytest.raises(LibraryDamaged, match="no catalogue"):
        rescue(tmp_path)
