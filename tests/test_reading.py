"""A library that is only read answers as the whole one does, on connections of SQLite's own."""

import sqlite3
import threading

import pytest
from command_line import index_colours

from indexer import Library
from indexer.catalogue.database import Connections
from indexer.errors import LibraryError, LibraryNotFound
from indexer.library.reading import ReadLibrary
from indexer.library.segments import SegmentManifest
from search import Searcher


def test_read_library_answers_as_the_whole_one_does(colour_library):
    whole = Searcher(colour_library)
    with ReadLibrary.open(colour_library.path) as opened:
        for question in ("red", "blue boat", "black"):
            assert Searcher(opened).search(question).hits == whole.search(question).hits
        assert opened.settings == colour_library.settings
        assert opened.encoder_id == colour_library.encoder_id


def test_read_library_notices_what_another_process_adds(colour_library, colour_pictures, paint):
    with ReadLibrary.open(colour_library.path) as opened:
        searcher = Searcher(opened)
        assert len(searcher.search("red").hits) == 5
        paint("red-2.png")
        assert index_colours(colour_pictures, colour_library.path).exit_code == 0
        names = [hit.path.name for hit in searcher.search("red", k=2).hits]
    assert sorted(names) == ["red-2.png", "red.png"]


def test_read_library_writes_nothing(colour_library):
    before = {path: path.read_bytes() for path in colour_library.path.glob("catalogue.sqlite*")}
    with ReadLibrary.open(colour_library.path) as opened:
        assert Searcher(opened).search("red").hits
        with pytest.raises(LibraryError, match="opened read-only"):
            opened.put_segments(SegmentManifest())
        with (
            opened.catalogue._reading_rows() as connection,
            pytest.raises(sqlite3.OperationalError, match="readonly"),
        ):
            connection.execute("DELETE FROM pictures")
    after = {path: path.read_bytes() for path in before}
    assert after == before


def test_library_of_another_schema_is_refused_for_reading(colour_library):
    def set_schema(number):
        colour_library.close()
        with sqlite3.connect(colour_library.path / "catalogue.sqlite") as connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", (number,))
        connection.close()

    set_schema("0002")
    with pytest.raises(LibraryError, match="older picfuse"):
        ReadLibrary.open(colour_library.path)
    set_schema("9999")
    with pytest.raises(LibraryError, match="newer picfuse"):
        ReadLibrary.open(colour_library.path)


def test_missing_library_is_named(tmp_path):
    with pytest.raises(LibraryNotFound, match="no library here"):
        ReadLibrary.open(tmp_path / "nowhere")


def test_whole_library_is_a_read_library(colour_library):
    assert isinstance(colour_library, ReadLibrary)
    with Library.open(colour_library.path, read_only=True) as opened:
        assert opened.catalogue.number_present() == 5


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
