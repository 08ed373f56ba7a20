"""Rescue all readable rows of a damaged catalogue into a new one.

SQLite reads a table by the numbers of its rows. Reading continues after a damaged page, which
loses its own rows and hardly any others.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy.exc import OperationalError

from indexer.catalogue.database import FILE, to_write, too_new_error
from indexer.catalogue.engine import open_engine
from indexer.catalogue.migrate import upgrade
from indexer.catalogue.schema import Base
from indexer.catalogue.values import NEVER, SCHEMA, SETTINGS
from indexer.errors import LibraryDamaged, LibraryError
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.pipeline.tagging import damaged_heads, tag_all

DAMAGED = "catalogue.damaged.sqlite"
_WORKPLACE = "rescued.tmp"
_LAST_ROW = 2**62
_ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Rescue:
    """The number of rows read from each table, and the path of the damaged catalogue."""

    rows: dict[str, int]
    damaged: Path


def rescue(library: Path) -> Rescue:
    """Replace a damaged catalogue by a new one, and keep it beside the new one.

    Pictures, captions and embeddings whose rows were lost come back with the next run of indexing.
    Raises `LibraryDamaged` when even the settings are lost, `LibraryError` for a library of a newer
    picfuse and when the new catalogue cannot be written.
    """
    library = library.expanduser().absolute()
    if not (library / FILE).is_file():
        raise LibraryDamaged(f"{library}: has no {FILE} to rescue anything from")
    place = library / _WORKPLACE
    with only_writer(library):
        try:
            rows = _copied(library, place)
            damaged = _exchange(library, place)
        except OSError as error:
            raise LibraryError(f"{library}: not writable ({error.strerror})") from error
        finally:
            shutil.rmtree(place, ignore_errors=True)
    return Rescue(rows, damaged)


def _copied(library: Path, place: Path) -> dict[str, int]:
    """A new catalogue in `place` with every row that can be read."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    with _written(library):
        engine = open_engine(to_write(place))
        upgrade(engine)
        engine.dispose()
    source = sqlite3.connect(f"file:{quote(os.fsencode(library / FILE))}?mode=ro", uri=True)
    target = sqlite3.connect(place / FILE)
    with closing(source), closing(target), _written(library):
        source.text_factory = _text
        _check_schema(source, library)
        rows, lost = {}, set()
        for table in _tables():
            rows[table], sound = _copy(source, target, table)
            lost |= set() if sound else {table}
        target.execute("UPDATE folders SET captions_digest = NULL")  # captions may be lost
        # What pictures carry is read with their pictures only.
        if "captions" in lost:
            target.execute("UPDATE pictures SET format = NULL, mtime_ns = ?", (NEVER,))
        if "facts" in lost:
            target.execute("UPDATE pictures SET metadata_version = NULL")
        for table, row, *_ in target.execute("PRAGMA foreign_key_check").fetchall():
            target.execute(f'DELETE FROM "{table}" WHERE rowid = ?', (row,))
        target.commit()
        query = "SELECT count(*) FROM settings WHERE key = ?"
        if target.execute(query, (SETTINGS,)).fetchone() != (1,):
            raise LibraryDamaged(
                f"{library}: too damaged to be rescued; index the folders into a new library"
            )
    with Library.open(place) as made, made.writing() as batch:
        # Lost embeddings come back with the next run.
        batch.pictures.recheck_unembedded(made.encoder_id)
        batch.tags.drop_heads([head.id for head in damaged_heads(made)])
        with suppress(LibraryDamaged):  # by an embedding; the doctor says so
            tag_all(made, batch, made.encoder_id)
    return rows


@contextmanager
def _written(library: Path) -> Iterator[None]:
    """Turn SQLite's errors about the new catalogue into a `LibraryError`; a full disk, mostly."""
    try:
        yield
    except (sqlite3.OperationalError, OperationalError) as error:
        cause = getattr(error, "orig", error)  # SQLAlchemy wraps SQLite's errors
        raise LibraryError(
            f"{library}: the new catalogue cannot be written ({cause}); free some space and run "
            "the same command again"
        ) from error


def _check_schema(source: sqlite3.Connection, library: Path) -> None:
    """Raise `LibraryError` for tables that only a newer picfuse knows."""
    with suppress(sqlite3.DatabaseError):
        row = source.execute("SELECT version_num FROM alembic_version").fetchone()
        if row is not None and row[0] > SCHEMA:
            raise too_new_error(library, row[0])


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _tables() -> Iterator[str]:
    """The tables to copy, each after those that it refers to."""
    for table in Base.metadata.sorted_tables:
        if table.name != "segments":
            yield table.name


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> tuple[int, bool]:
    """Copy the readable rows of a table; returns their number, and whether they are all."""
    columns = [row[1] for row in target.execute(f'PRAGMA table_info("{table}")')]
    known: set[str] = set()
    with suppress(sqlite3.DatabaseError):
        known = {row[1] for row in source.execute(f'PRAGMA table_info("{table}")')}
    names = ", ".join(f'"{column}"' for column in columns if column in known)
    if not names:
        return 0, False
    query = f'SELECT rowid, {names} FROM "{table}" WHERE rowid >= ? ORDER BY rowid LIMIT ?'
    places = ", ".join("?" for column in columns if column in known)
    insert = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({places})'
    count, reader = 0, _Rows(source, query)
    for rows in reader.readable():
        count += target.executemany(insert, [row[1:] for row in rows]).rowcount
    return count, reader.sound


class _Rows:
    """The readable rows of a table in the order of their numbers."""

    def __init__(self, source: sqlite3.Connection, query: str) -> None:
        self._source = source
        self._query = query
        self.sound = True  # no damage met so far

    def readable(self) -> Iterator[list[tuple[Any, ...]]]:
        """Runs of rows, each cut short by a damaged page, whose rows are lost."""
        first: int | None = 0
        limit = _ROWS_AT_ONCE
        while first is not None:
            rows = self._from(first, limit)
            if rows is None and limit > 1:
                limit //= 2
            elif rows is None:
                self.sound = False
                first = self._beyond(first)
            elif rows:
                yield rows
                first, limit = rows[-1][0] + 1, min(2 * limit, _ROWS_AT_ONCE)
            else:
                return

    def _from(self, first: int, limit: int) -> list[tuple[Any, ...]] | None:
        try:
            return self._source.execute(self._query, (first, limit)).fetchall()
        except sqlite3.DatabaseError:
            return None

    def _beyond(self, damaged: int) -> int | None:
        """The first row number after a damaged page that can be read; None at the end.

        Searches in growing strides, since the number of rows on the page is unknown; then by
        halves.
        """
        stride = 1
        while self._from(damaged + stride, 1) is None:
            stride *= 2
            if damaged + stride > _LAST_ROW:
                return None
        low, high = damaged + stride // 2, damaged + stride
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._from(middle, 1) is not None else (middle, high)
        return high


def _exchange(library: Path, place: Path) -> Path:
    """Rename the damaged catalogue, and put the new one in its place."""
    damaged = _free_name(library)
    shutil.copyfile(library / FILE, damaged)  # not every file system has hard links
    for suffix in ("-wal", "-shm"):  # a journal must never meet the other catalogue
        with suppress(FileNotFoundError):
            (library / (FILE + suffix)).replace(damaged.with_name(damaged.name + suffix))
    (place / FILE).replace(library / FILE)
    return damaged


def _free_name(library: Path) -> Path:
    """A path for the damaged catalogue that does not overwrite an earlier one."""
    path, number = library / DAMAGED, 1
    while path.exists():
        number += 1
        path = library / DAMAGED.replace(".sqlite", f"-{number}.sqlite")
    return path
