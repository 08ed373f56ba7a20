"""A damaged catalogue: what can be read of it lives on."""

import random
import sqlite3
from contextlib import closing

import pytest
from conftest import forget_counts

from indexer import IndexOptions, Library, index_folder
from indexer.database import FILE
from indexer.doctor import examine, repair
from indexer.errors import LibraryDamaged
from indexer.rescue import DAMAGED, rescue

QUICK = IndexOptions(workers=1)
PAGE = 4096


@pytest.fixture
def large(library, paint, pictures):
    """A library of a few hundred pictures, whose catalogue has many pages; closed."""
    for number in range(300):
        paint(f"{number:03}.png", (number % 256, number // 2, 90), caption=f"number {number} " * 9)
    index_folder(library, pictures, options=QUICK)
    library.close()
    return library.path


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


def test_catalogue_of_which_nothing_is_left_is_said_to_be_lost(large):
    content = bytearray((large / FILE).read_bytes())
    content[100:] = b"\xa5" * (len(content) - 100)
    (large / FILE).write_bytes(content)
    with pytest.raises(LibraryDamaged, match="too much is lost"):
        rescue(large)
    assert (large / FILE).read_bytes() == content
    assert {path.name for path in large.iterdir()} >= {FILE}
    assert not list(large.glob("rescued*"))


def test_nothing_to_rescue_is_an_error(tmp_path):
    with pytest.raises(LibraryDamaged, match="no catalogue"):
        rescue(tmp_path)
