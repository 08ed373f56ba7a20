"""Files of the vector index: named by their checksum, written as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from indexer.errors import LibraryError


def write_named(folder: Path, suffix: str, write: Callable[[BinaryIO], str]) -> tuple[str, str]:
    """Write `vectors-….suffix`; returns its name and the checksum from `write`.

    Writes to a temporary file, syncs and renames it. Raises `LibraryError` if that fails.
    """
    temporary = folder / f"vectors-{os.getpid()}.tmp"
    try:
        with temporary.open("wb") as file:
            checksum = write(file)
            file.flush()
            os.fsync(file.fileno())
        path = folder / f"vectors-{checksum[:16]}{suffix}"
        temporary.replace(path)
        _sync_names(folder)
    except (OSError, RuntimeError) as error:  # FAISS wraps errors of writing
        raise LibraryError(
            f"{folder}: the vector index cannot be written ({error}); free some space or make "
            "the library writable, and run the same command again"
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return path.name, checksum


def _sync_names(folder: Path) -> None:
    """Make a rename durable: most systems sync a folder's names separately from its files."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
