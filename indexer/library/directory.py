"""The directory of a library: whether a library exists there, or can be created."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from indexer.catalogue.database import FILE, to_read
from indexer.errors import LibraryError, LibraryNotFound
from indexer.library.address import not_an_address

LOCK = "writer.lock"
_LARGEST_PAGE = 65536  # bytes: a catalogue without tables is empty or has one page
_FILES = {LOCK, *(FILE + suffix for suffix in ("", "-wal", "-shm", "-journal"))}


def cannot_create_error(path: Path) -> LibraryError:
    """The error for a path where a new library cannot be created."""
    if path.exists() and not path.is_dir():
        return LibraryNotFound(f"{path}: a file, not a library; name a directory")
    if is_file(path / FILE):
        return LibraryError(f"{path}: already a library; open it with Library.open")
    return LibraryNotFound(
        f"{path}: neither a library nor empty; name another directory for the library"
    )


def make_directory(path: Path) -> None:
    """Make the directory if it is missing. Raises `LibraryError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"{path}: cannot be created ({os.strerror(error.errno or 0)}); name another with "
            "--library"
        ) from error


def is_file(path: Path) -> bool:
    """Whether a file exists. Raises `LibraryError` if its folder cannot be read."""
    try:
        return path.is_file()
    except OSError as error:
        raise LibraryError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from error


def is_vacant(path: Path) -> bool:
    """Whether a new library can be created at a path: it is empty, or one never finished.

    Raises `InputError` for the address of a collection.
    """
    not_an_address(path)
    try:
        if not path.is_dir():
            return not path.exists()
        names = {entry.name for entry in path.iterdir()}
        return not names or (names <= _FILES and (FILE not in names or is_unfinished(path)))
    except OSError:
        return False


def is_unfinished(folder: Path) -> bool:
    """Whether a catalogue is empty because its process was killed while creating it."""
    if (folder / FILE).stat().st_size > _LARGEST_PAGE:
        return False
    try:
        with closing(to_read(folder)()) as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error:  # damaged or locked, so not empty
        return False
    return bool(tables == 0)


def existing_library(path: str | Path) -> Path:
    """The absolute path of an existing library. Raises `LibraryNotFound`."""
    not_an_address(path)
    path = Path(path).expanduser().absolute()
    if not is_file(path / FILE) or is_unfinished(path):
        if not is_vacant(path):
            raise LibraryNotFound(f"{path}: not a picfuse library; name another with --library")
        raise LibraryNotFound(
            f"{path}: no library here; create one with 'picfuse index FOLDER --library {path}'"
        )
    return path
