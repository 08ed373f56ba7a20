"""The directory of a library: whether one is there, and whether one can be made."""

from __future__ import annotations

import os
from pathlib import Path

from indexer.database import FILE
from indexer.errors import LibraryError, LibraryNotFound


def occupied(path: Path) -> LibraryError:
    """What to say of a place where no library can be made."""
    if path.exists() and not path.is_dir():
        return LibraryNotFound(f"{path}: a file, not a library; name a directory")
    if is_file(path / FILE):
        return LibraryError(f"{path}: already a library; open it with Library.open")
    return LibraryNotFound(
        f"{path}: neither a library nor empty; name another directory for the library"
    )


def make_directory(path: Path) -> None:
    """Make the directory where it is missing. Raises `LibraryError`."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"{path}: cannot be created ({os.strerror(error.errno or 0)}); name another with "
            "--library"
        ) from error


def is_file(path: Path) -> bool:
    """Whether a file is there. Raises `LibraryError` where one may not look."""
    try:
        return path.is_file()
    except OSError as error:
        raise LibraryError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from error
