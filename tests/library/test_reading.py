"""A library opened for reading answers as a writer does, on connections of SQLite's own."""

import sqlite3
import threading

import pytest
from command_line import index_colours

from indexer import Library
from indexer.catalogue.database import Connections
from indexer.errors import LibraryError, LibraryNotFound
from indexer.library.segments import SegmentManifest
from search import Searcher


def test_reader_answers_as_a_writer_does(colour_library):
    whole = Searcher(colour_library)
    with Library.open(colour_library.path, read_only=True) as opened:
        for question in ("red", "blue boat", "black"):
            assert Searcher(opened).search(question).hits == whole.search(question).hits
        assert opened.settings == colour_library.settings
        assert opened.encoder_id == colour_library.encoder_id


def test_reader_notices_what_another_process_adds(colour_library, colour_pictures, paint):
    with Library.open(colour_library.path, read_only=True) as opened:
        searcher = Searcher(opened)
        assert len(searcher.search("red").hits) == 5
        paint("red-2.png")
        assert index_colours(colour_pictures, colour_library.path).exit_code == 0
        names = [hit.path.name for hit in searcher.search("red", k=2).hits]
    assert sorted(names) == ["red-2.png", "red.png"]


def test_reader_writes_nothing(colour_library):
    before = {path: path.read_bytes() for path in colour_library.path.glob("catalogue.sqlite*")}
    with Library.open(colour_library.path, read_only=True) as opened:
        assert Searcher(opened).search("red").hits
        with pytest.raises(LibraryError, match="opened read-only"):
            opened.put_segments(SegmentManifest())
        with pytest.raises(LibraryError, match="opened read-only"), opened.writing():
            pass
        with (
            opened.catalogue._reading_rows() as connection,
            pytest.raises(sqlite3.OperationalError, match="readonly"),
        ):
            connection.execute("DELETE FROM pictures")
    after = {path: path.read_bytes() for path in before}
    assert after == before


def test_library_of_a_newer_schema_is_refused_for_reading(colour_library):
    colour_library.close()
    with sqlite3.connect(colour_library.path / "catalogue.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(LibraryError, match="newer picfuse"):
        Library.open(colour_library.path, read_only=True)


def test_missing_library_is_named(tmp_path):
    with pytest.raises(LibraryNotFound, match="no library here"):
        Library.open(tmp_path / "nowhere", read_only=True)


def test_connections_are_lent_to_one_thread_at_a_time(tmp_path):
    made = []

    def connect():
        made.append(sqlite3.connect(tmp_path / "file", check_same_thread=False))
        return made[-1]

    connections, both = Connections(connect), threading.Barrier(2, timeout=30)
    lent = []

    def use():
        with connections.reading() as connection:
            lent.append(connection)
            both.wait()

    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, lent))) == 2
    with connections.reading() as again:
        assert again in lent
    assert len(made) == 2
    connections.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        made[0].execute("SELECT 1")
