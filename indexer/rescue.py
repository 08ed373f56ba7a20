"""Rescue what can be read of a damaged catalogue into a new one.

SQLite reads a table by the number of its rows. A range of numbers that meets a damaged page is
halved until what is left of it is lost; so a damaged page costs its own rows and no others.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from indexer.database import FILE, explained, migrate, open_engine
from indexer.errors import LibraryDamaged, LibraryError
from indexer.locking import only_writer
from indexer.schema import SETTINGS, Base

DAMAGED = "catalogue.damaged.sqlite"
_PLACE = "rescued.tmp"
_LAST = 2**62


@dataclass(frozen=True, slots=True)
class Rescue:
    """How many rows of each table were read, and where the damaged catalogue is kept."""

    rows: dict[str, int]
    damaged: Path


def rescue(library: Path) -> Rescue:
    """Put a new catalogue in the place of a damaged one, which is kept beside it.

    Pictures, captions and embeddings whose rows were lost come back with the next run of indexing.
    Raises `LibraryDamaged` when even the settings are lost.
    """
    library = library.expanduser().absolute()
    if not (library / FILE).is_file():
        raise LibraryDamaged(f"{library}: there is no {FILE} to rescue anything from")
    place = library / _PLACE
    with only_writer(library):
        try:
            rows = _copied(library, place)
            damaged = _exchange(library, place)
        except OSError as error:
            raise LibraryError(f"{library}: cannot be written ({error.strerror})") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return Rescue(rows, damaged)


def _copied(library: Path, place: Path) -> dict[str, int]:
    """A new catalogue in `place` with every row that can be read."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with explained(place):
        engine = open_engine(place)
        migrate(engine)
        engine.dispose()
    source = sqlite3.connect(f"file:{library / FILE}?mode=ro", uri=True)
    target = sqlite3.connect(place / FILE)
    with closing(source), closing(target):
        source.text_factory = _text
        rows = {table: _copy(source, target, table) for table in _tables()}
        for table, row, *_ in target.execute("PRAGMA foreign_key_check").fetchall():
            target.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))
        target.commit()
        query = "SELECT count(*) FROM settings WHERE key = ?"
        if target.execute(query, (SETTINGS,)).fetchone() != (1,):
            raise LibraryDamaged(
                f"{library}: too much is lost to rescue it; index the folders into a new library"
            )
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return rows


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _tables() -> Iterator[str]:
    """The tables worth copying: what refers to others comes after them."""
    for table in Base.metadata.sorted_tables:
        if table.name != "segments":
            yield table.name


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> int:
    columns = [row[1] for row in target.execute(f'PRAGMA table_info("{table}")')]
    there: set[str] = set()
    with suppress(sqlite3.DatabaseError):
        there = {row[1] for row in source.execute(f'PRAGMA table_info("{table}")')}
    names = ", ".join(f'"{column}"' for column in columns if column in there)
    if not names:
        return 0
    places = ", ".join("?" for column in columns if column in there)
    query = f'SELECT {names} FROM "{table}" WHERE rowid >= ? AND rowid < ?'
    insert = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({places})'
    count = 0
    for rows in _readable(source, query, 0, _LAST):
        count += target.executemany(insert, rows).rowcount
    return count


def _readable(
    source: sqlite3.Connection, query: str, first: int, end: int
) -> Iterator[list[tuple[object, ...]]]:
    """The rows with numbers from `first` up to `end`, as far as they can be read."""
    waiting = [(first, end)]
    while waiting:
        first, end = waiting.pop()
        try:
            yield source.execute(query, (first, end)).fetchall()
        except sqlite3.DatabaseError:
            if end - first > 1:
                middle = (first + end) // 2
                waiting += [(middle, end), (first, middle)]


def _exchange(library: Path, place: Path) -> Path:
    """Put the new catalogue in the place of the damaged one, which gets another name."""
    damaged = library / DAMAGED
    for suffix in ("-wal", "-shm"):  # the journal of the one must never meet the other
        with suppress(FileNotFoundError):
            (library / (FILE + suffix)).replace(library / (DAMAGED + suffix))
    with suppress(FileNotFoundError):
        damaged.unlink()
    os.link(library / FILE, damaged)
    (place / FILE).replace(library / FILE)
    return damaged
