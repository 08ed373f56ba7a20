"""A library's SQLite file: opening it, and saying what is wrong with it."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from indexer.catalogue.values import SCHEMA
from indexer.errors import LibraryDamaged, LibraryError, LibraryLocked


def add_functions(connection: sqlite3.Connection) -> None:
    """Make `folded` and `REGEXP` known to a connection."""
    connection.create_function("folded", -1, folded, deterministic=True)
    connection.create_function("regexp", 2, _holds, deterministic=True)


def folded(*parts: str | bytes | None) -> str | None:
    """Texts or paths, joined by '/', so that large and small letters are the same.

    None when one is. Bytes that are no text of the file system's encoding become U+FFFD.
    """
    if any(part is None for part in parts):
        return None
    texts = [os.fsdecode(part) for part in parts if part is not None]
    return "/".join(texts).encode("utf-8", "replace").decode().casefold()


def _holds(pattern: str, text: str | None) -> bool | None:
    return None if text is None else re.search(pattern, text) is not None


FILE = "catalogue.sqlite"
BUSY_SECONDS = 10
# Pages of the journal (32 MB) that are moved at once: hashes come in no order, so that a batch
# touches many pages, and the batches after it some of the same.
_CHECKPOINT = 8192
_CACHE = 65536  # KB of pages that are kept where something is written, for the same reason
Reading: TypeAlias = Callable[[], AbstractContextManager[sqlite3.Connection]]  # lends one


def to_read(folder: Path) -> Callable[[], sqlite3.Connection]:
    """What opens a library's SQLite file for reading.

    The file is opened with SQLite's `mode=ro`; where the folder cannot be written and no journal
    waits there, also with `immutable=1`, since WAL needs a file beside the database.
    """
    return partial(_connection, folder, _reading_mode(folder))


def to_write(folder: Path, *, journal: str) -> sqlite3.Connection:
    """A connection that writes: synced at every commit, foreign keys enforced."""
    connection = _connection(folder, "rwc")
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{_CACHE}")
    return connection


class Connections:
    """Connections of SQLite's own, each lent to one thread at a time."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._free: list[sqlite3.Connection] = []

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection."""
        try:
            lent = self._free.pop()
        except IndexError:
            lent = self._connect()
        try:
            yield lent
        finally:
            self._free.append(lent)

    def close(self) -> None:
        """Close those that are not lent."""
        while self._free:
            self._free.pop().close()


def _connection(folder: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(folder.absolute() / FILE))}?mode={mode}"
    opened = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
    add_functions(opened)
    return opened


def _reading_mode(folder: Path) -> str:
    """How a catalogue is opened to be read.

    What a killed writer left in a rollback journal is taken back by the next one that opens the
    file, and only if that may write.
    """
    if os.access(folder, os.W_OK):
        return "rw" if _waits(folder, "-journal") else "ro"
    return "ro" if _journal_waits(folder) else "ro&immutable=1"


def _journal_waits(folder: Path) -> bool:
    return _waits(folder, "-wal") or _waits(folder, "-journal")


def _waits(folder: Path, suffix: str) -> bool:
    journal = folder / (FILE + suffix)
    return journal.exists() and journal.stat().st_size > 0


def stored_schema(reading: Reading, folder: Path) -> str:
    """The number of a library's schema. Raises `LibraryError` for one that is not known yet."""
    with sqlite_errors(folder), reading() as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    found = str(row[0]) if row else "none"
    if row and found > SCHEMA:
        raise too_new_error(folder, found)
    return found


def too_old_error(folder: Path, found: str) -> LibraryError:
    """What is wrong with a library that has to be migrated before it is read."""
    return LibraryError(
        f"{folder}: made by an older picfuse (schema {found}, this one needs {SCHEMA}); "
        "run 'picfuse index' on it once, where it is writable"
    )


def too_new_error(folder: Path, found: str) -> LibraryError:
    """What is wrong with a library whose schema this picfuse does not know yet."""
    return LibraryError(
        f"{folder}: made by a newer picfuse (schema {found}, this one knows {SCHEMA}); "
        "update picfuse: pip install -U picfuse"
    )


@contextmanager
def sqlite_errors(folder: Path) -> Iterator[None]:
    """Turn what SQLite says about a library into errors that name a remedy."""
    try:
        yield
    except Exception as error:
        said = getattr(error, "orig", error)  # SQLAlchemy wraps what SQLite raises
        if isinstance(said, sqlite3.OperationalError):
            raise _explanation(folder, str(said)) from error
        if isinstance(said, sqlite3.DatabaseError):
            raise LibraryDamaged(
                f"{folder}: the catalogue is damaged ({said}); run 'picfuse doctor --rescue' to "
                f"save what can be read, or restore {FILE} from a backup"
            ) from error
        raise


def _explanation(folder: Path, said: str) -> LibraryError:
    """What an operational error of SQLite means for the user."""
    if "locked" in said:
        return LibraryLocked(
            f"{folder}: another process is writing to this library; try again once it is done"
        )
    if "full" in said:
        return LibraryError(
            f"{folder}: the disk is full, but finished work is kept; free some space and run the "
            "same command again to continue"
        )
    if ("unable to open" in said or "readonly" in said) and _journal_waits(folder):
        return LibraryError(
            f"{folder}: its last changes are still in a journal, and it is not writable here; run "
            "'picfuse index' on it once where it is writable"
        )
    if "readonly" in said or ("unable to open" in said and not os.access(folder, os.W_OK)):
        return LibraryError(f"{folder}: not writable; make it writable for this user")
    if "disk I/O" in said:
        return LibraryError(
            f"{folder}: the disk failed ({said}), but finished work is kept; check the disk and "
            "run the same command again to continue"
        )
    return LibraryDamaged(f"{folder}: the catalogue cannot be used ({said})")
