"""A library's SQLite file: opening it, and explaining its errors."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from indexer.catalogue.values import FIRST_SCHEMA, SCHEMA
from indexer.errors import LibraryDamaged, LibraryError, LibraryLocked
from indexer.metadata.fields import bare


def add_functions(connection: sqlite3.Connection) -> None:
    """Add the SQL functions `folded`, `bare` and `REGEXP` to a connection."""
    connection.create_function("folded", -1, folded, deterministic=True)
    connection.create_function("bare", 1, _bare, deterministic=True)
    connection.create_function("regexp", 2, _holds, deterministic=True)


def folded(*parts: str | bytes | None) -> str | None:
    """Texts or paths joined by '/', with case folded; None if one of them is None.

    Bytes that are no text in the file system's encoding become U+FFFD.
    """
    if any(part is None for part in parts):
        return None
    texts = [os.fsdecode(part) for part in parts if part is not None]
    return "/".join(texts).encode("utf-8", "replace").decode().casefold()


def _bare(text: str | None) -> str | None:
    return None if text is None else bare(text)


def _holds(pattern: str, text: str | None) -> bool | None:
    return None if text is None else re.search(pattern, text) is not None


FILE = "catalogue.sqlite"
BUSY_SECONDS = 10
# Pages of the journal (32 MB) that are moved together: hashes come in no order, so that a batch
# touches many pages, and the batches after it some of the same.
_CHECKPOINT_PAGES = 8192
_WRITER_CACHE = 65536  # KB of pages that a writer keeps in memory, for the same reason
Connect: TypeAlias = Callable[[], sqlite3.Connection]  # opens one
Reading: TypeAlias = Callable[[], AbstractContextManager[sqlite3.Connection]]  # lends one


def identity(folder: Path) -> tuple[int, int] | None:
    """Identity of a library's SQLite file, which tells a replaced library; None if it is away."""
    try:
        found = (folder / FILE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def to_read(folder: Path) -> Connect:
    """Opens a library's SQLite file for reading.

    The file is opened with SQLite's `mode=ro`; where the folder cannot be written and no journal
    waits there, also with `immutable=1`, since WAL needs a file beside the database.
    """
    return partial(_connection, folder, _reading_mode(folder))


def to_write(folder: Path, *, waits: bool = True) -> Connect:
    """Opens a library's SQLite file for writing: synced at every commit, foreign keys enforced.

    The journal is a WAL, except on a network file system, which has no shared memory for it.
    Unless it `waits`, a file that is locked is an error at once.
    """
    on_network = import_module("indexer.catalogue.filesystems").is_network(folder)
    journal = "DELETE" if on_network else "WAL"
    return partial(_writing_connection, folder, journal, BUSY_SECONDS if waits else 0)


def _writing_connection(folder: Path, journal: str, busy_seconds: float) -> sqlite3.Connection:
    connection = _connection(folder, "rwc", busy_seconds)
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute(f"PRAGMA cache_size=-{_WRITER_CACHE}")
    return connection


class Connections:
    """Connections of SQLite's own, each lent to one thread at a time; `connect` opens one."""

    def __init__(self, connect: Connect) -> None:
        self.connect = connect
        self._free: list[sqlite3.Connection] = []

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection."""
        try:
            lent = self._free.pop()
        except IndexError:
            lent = self.connect()
        try:
            yield lent
        finally:
            self._free.append(lent)

    def close(self) -> None:
        """Close those that are not lent."""
        with suppress(IndexError):  # another thread may have borrowed the last one
            while True:
                self._free.pop().close()


def _connection(folder: Path, mode: str, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(folder.absolute() / FILE))}?mode={mode}"
    opened = sqlite3.connect(uri, uri=True, timeout=busy_seconds, check_same_thread=False)
    add_functions(opened)
    return opened


def _reading_mode(folder: Path) -> str:
    """SQLite's mode for reading a catalogue.

    A rollback journal that a killed writer left behind is undone by the next connection to the
    file, but only by one that may write.
    """
    if os.access(folder, os.W_OK):
        return "rw" if _waits(folder, "-journal") else "ro"
    return "ro" if _journal_waits(folder) else "ro&immutable=1"


def _journal_waits(folder: Path) -> bool:
    return _waits(folder, "-wal") or _waits(folder, "-journal")


def _waits(folder: Path, suffix: str) -> bool:
    journal = folder / (FILE + suffix)
    return journal.exists() and journal.stat().st_size > 0


def is_up_to_date(reading: Reading, folder: Path, *, read_only: bool) -> bool:
    """Whether a library has today's schema; otherwise it has to be migrated.

    Raises `LibraryError` for a schema that cannot be migrated, or not by a reader.
    """
    with sqlite_errors(folder), reading() as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    schema = str(row[0]) if row else "none"
    if row and schema > SCHEMA:
        raise too_new_error(folder, schema)
    if schema < FIRST_SCHEMA:
        raise LibraryError(
            f"{folder}: made before the first release of picfuse (schema {schema}), and no longer "
            "supported; index its folders again into a new library"
        )
    if schema != SCHEMA and read_only:
        raise LibraryError(
            f"{folder}: made by an older picfuse (schema {schema}, this one needs {SCHEMA}); "
            "run 'picfuse index' on it once, where it is writable"
        )
    return schema == SCHEMA


def too_new_error(folder: Path, schema: str) -> LibraryError:
    """The error for a library whose schema this picfuse does not know yet."""
    return LibraryError(
        f"{folder}: made by a newer picfuse (schema {schema}, this one knows {SCHEMA}); "
        "update picfuse: pip install -U picfuse"
    )


@contextmanager
def sqlite_errors(folder: Path) -> Iterator[None]:
    """Turn SQLite's errors about a library into errors that name a remedy."""
    try:
        yield
    except Exception as error:
        cause = getattr(error, "orig", error)  # SQLAlchemy wraps SQLite's errors
        if isinstance(cause, sqlite3.OperationalError):
            raise _explanation(folder, str(cause)) from error
        if isinstance(cause, sqlite3.DatabaseError):
            raise LibraryDamaged(
                f"{folder}: the catalogue is damaged ({cause}); run 'picfuse doctor --rescue' to "
                f"save what can be read, or restore {FILE} from a backup"
            ) from error
        raise


def _explanation(folder: Path, message: str) -> LibraryError:
    """The meaning of an operational error of SQLite, for the user."""
    if "locked" in message:
        return LibraryLocked(
            f"{folder}: another process is writing to this library; try again once it is done"
        )
    if "full" in message:
        return LibraryError(
            f"{folder}: the disk is full, but finished work is kept; free some space and run the "
            "same command again to continue"
        )
    if ("unable to open" in message or "readonly" in message) and _journal_waits(folder):
        return LibraryError(
            f"{folder}: its last changes are still in a journal, and it is not writable here; run "
            "'picfuse index' on it once where it is writable"
        )
    if "readonly" in message or ("unable to open" in message and not os.access(folder, os.W_OK)):
        return LibraryError(f"{folder}: not writable; make it writable for this user")
    if "disk I/O" in message:
        return LibraryError(
            f"{folder}: the disk failed ({message}), but finished work is kept; check the disk "
            "and run the same command again to continue"
        )
    return LibraryDamaged(f"{folder}: the catalogue cannot be used ({message})")
