"""A library's SQLite file: opening it, and saying what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, QueuePool, create_engine, exc, text

from indexer.errors import LibraryDamaged, LibraryError, LibraryLocked
from indexer.schema import SCHEMA, Base

FILE = "catalogue.sqlite"
LOCK = "writer.lock"
BUSY_SECONDS = 10
# Pages of the journal (32 MB) that are moved at once: hashes come in no order, so that a batch
# touches many pages, and the batches after it some of the same.
_CHECKPOINT = 8192
_VERSION_TABLE = (  # as alembic makes it
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_ROOM_OF_A_PAGE = 65536  # bytes: a catalogue without tables is empty or has one page
_FILES = {LOCK, *(FILE + suffix for suffix in ("", "-wal", "-shm", "-journal"))}


def is_vacant(path: Path) -> bool:
    """Whether a new library can be made at a path: nothing is there, or one never finished."""
    try:
        if not path.is_dir():
            return not path.exists()
        names = {entry.name for entry in path.iterdir()}
        return not names or (names <= _FILES and (FILE not in names or is_unfinished(path)))
    except OSError:
        return False


def is_unfinished(folder: Path) -> bool:
    """Whether a catalogue is one that was killed while it was made, and holds nothing yet."""
    if (folder / FILE).stat().st_size > _ROOM_OF_A_PAGE:
        return False
    try:
        with closing(_connection(folder, _reading_mode(folder))) as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:  # damaged, or locked: then it is more than nothing
        return False
    return bool(tables == 0)


def open_engine(folder: Path, *, read_only: bool = False) -> Engine:
    """An engine on a library's SQLite file: synced at every commit, foreign keys enforced.

    The journal is a WAL, but on a network file system, which has no shared memory for it, a
    rollback journal. `read_only` opens the file with SQLite's `mode=ro`; where the folder cannot
    be written and no journal waits there, also with `immutable=1`, since WAL needs a file beside
    the database.
    """
    if read_only:
        mode = _reading_mode(folder)
        return create_engine(
            "sqlite://", creator=lambda: _connection(folder, mode), poolclass=QueuePool
        )
    on_network = import_module("indexer.filesystems").is_network(folder)

    def connect() -> sqlite3.Connection:
        connection = _connection(folder, "rwc")
        connection.execute(f"PRAGMA journal_mode={'DELETE' if on_network else 'WAL'}")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
        connection.execute("PRAGMA foreign_keys=ON")
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool)


def _connection(folder: Path, mode: str) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(folder.absolute() / FILE))}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)


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


def create_tables(engine: Engine, fill: Callable[[Connection], None]) -> None:
    """Make all tables of a new library as they are today, and its first rows, in one transaction.

    A test holds that the migrations make the same; importing alembic takes half a second.
    """
    with engine.begin() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        Base.metadata.create_all(connection, checkfirst=False)
        connection.exec_driver_sql(_VERSION_TABLE)
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (SCHEMA,))
        fill(connection)


def migrate(engine: Engine) -> None:
    """Bring the tables up to date; alembic is imported only when a schema has to change."""
    import_module("indexer.migrate").upgrade(engine)


def check_schema(engine: Engine, folder: Path, *, read_only: bool = False) -> None:
    """Migrate an older library. Raises `LibraryError` for a newer one, or one only to be read."""
    with explained(folder), engine.connect() as connection:
        query = "SELECT version_num FROM alembic_version"
        found = connection.execute(text(query)).scalar_one_or_none()
    if found is not None and found > SCHEMA:
        raise newer_schema(folder, found)
    if found != SCHEMA and read_only:
        raise LibraryError(
            f"{folder}: made by an older picfuse (schema {found}, this one needs {SCHEMA}); "
            "run 'picfuse index' on it once, where it can be written"
        )
    if found != SCHEMA:
        with explained(folder):
            migrate(engine)


def newer_schema(folder: Path, found: str) -> LibraryError:
    """What is wrong with a library whose schema this picfuse does not know yet."""
    return LibraryError(
        f"{folder}: made by a newer picfuse (schema {found}, this one knows {SCHEMA}); "
        "update picfuse: pip install -U picfuse"
    )


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what SQLite says about a library into errors that name a remedy."""
    try:
        yield
    except exc.OperationalError as error:
        raise _explanation(folder, str(error.orig)) from error
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:
        said = str(getattr(error, "orig", error))
        raise LibraryDamaged(
            f"{folder}: the catalogue is damaged ({said}); 'picfuse doctor --rescue' saves what "
            f"can be read, or restore {FILE} from a backup"
        ) from error


def _explanation(folder: Path, said: str) -> LibraryError:
    """What an operational error of SQLite means for the user."""
    if "locked" in said:
        return LibraryLocked(
            f"{folder}: another process is writing to this library; try again when it is done"
        )
    if "full" in said:
        return LibraryError(
            f"{folder}: the disk is full; what was committed is kept: free some space and "
            "run the same command to go on"
        )
    if ("unable to open" in said or "readonly" in said) and _journal_waits(folder):
        return LibraryError(
            f"{folder}: its last changes wait in a journal, and nothing can be written here; run "
            "'picfuse index' on it once where it can be written"
        )
    if "readonly" in said or ("unable to open" in said and not os.access(folder, os.W_OK)):
        return LibraryError(f"{folder}: cannot be written; make it writable for this user")
    if "disk I/O" in said:
        return LibraryError(
            f"{folder}: the disk failed ({said}); what was committed is kept: look after the disk "
            "and run the same command to go on"
        )
    return LibraryDamaged(f"{folder}: the catalogue cannot be used ({said})")
