"""Marks of the libraries that the app has opened: one that is missing now is away, not new."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from indexer.locations import opened_directory


def note_opened(library: Path) -> None:
    """Note that a library was opened; a mark that cannot be written is only missed."""
    mark = _mark(library)
    with suppress(OSError):
        if not mark.exists():
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_bytes(os.fsencode(library))


def was_opened(library: Path) -> bool:
    """Whether a library was opened before at this path."""
    try:
        return _mark(library).is_file()
    except OSError:
        return False


def _mark(library: Path) -> Path:
    return opened_directory() / hashlib.sha256(os.fsencode(library)).hexdigest()[:32]
