"""A library's SQLite file: opening it, and saying what is wrong with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, QueuePool, create_engine, exc, text

from indexer.errors import LibraryDamaged, LibraryError, LibraryLocked
from indexer.schema import SCHEMA

FILE = "catalogue.sqlite"
BUSY_SECONDS = 10


def is_vacant(path: Path) -> bool:
    """Whether a new library can be made at a path: nothing is there."""
    try:
        return not path.exists() or (path.is_dir() and not any(path.iterdir()))
    except OSError:
        return False


def open_engine(folder: Path, *, read_only: bool = False) -> Engine:
    """An engine on a library's SQLite file: WAL, synced at every commit, foreign keys enforced.

    `read_only` opens it with SQLite's `mode=ro`; where the folder cannot be written and no
    journal waits there, also with `immutable=1`, since WAL needs a file beside the database.
    """
    path = folder.absolute() / FILE
    mode = "rwc"
    if read_only:
        journal = path.with_name(FILE + "-wal")
        waiting = journal.exists() and journal.stat().st_size > 0
        mode = "ro" if os.access(folder, os.W_OK) or waiting else "ro&immutable=1"
    uri = f"file:{quote(os.fsencode(path))}?mode={mode}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
        if not read_only:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("PRAGMA foreign_keys=ON")
        return connection

    return create_engine("sqlite://", creator=connect, poolclass=QueuePool)


def migrate(engine: Engine) -> None:
    """Bring the tables up to date; alembic is imported only when a schema has to change."""
    import_module("indexer.migrate").upgrade(engine)


def check_schema(engine: Engine, folder: Path, *, read_only: bool = False) -> None:
    """Migrate an older library. Raises `LibraryError` for a newer one, or one only to be read."""
    with explained(folder), engine.connect() as connection:
        query = "SELECT version_num FROM alembic_version"
        found = connection.execute(text(query)).scalar_one_or_none()
    if found is not None and found > SCHEMA:
        raise LibraryError(
            f"{folder}: made by a newer picfuse (schema {found}, this one knows {SCHEMA}); "
            "update picfuse: pip install -U picfuse"
        )
    if found != SCHEMA and read_only:
        raise LibraryError(
            f"{folder}: made by an older picfuse (schema {found}, this one needs {SCHEMA}); "
            "run 'picfuse index' on it once, where it can be written"
        )
    if found != SCHEMA:
        with explained(folder):
            migrate(engine)


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what SQLite says about a library into errors that name a remedy."""
    try:
        yield
    except exc.OperationalError as error:
        said = str(error.orig)
        if "locked" in said:
            raise LibraryLocked(
                f"{folder}: another process is writing to this library; try again when it is done"
            ) from error
        if "full" in said:
            raise LibraryError(
                f"{folder}: the disk is full; what was committed is kept: free some space and "
                "run the same command to go on"
            ) from error
        raise LibraryDamaged(f"{folder}: the catalogue cannot be used ({said})") from error
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:
        said = str(getattr(error, "orig", error))
        raise LibraryDamaged(
            f"{folder}: the catalogue is damaged ({said}); restore {FILE} from a backup or "
            "index the folders into a new library"
        ) from error
