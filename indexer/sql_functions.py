"""Functions that SQLite lacks and the catalogue's questions use."""

from __future__ import annotations

import os
import re
import sqlite3


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
