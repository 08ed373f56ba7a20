"""Values of a scan: pictures that were found, and what could not be read."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

Remembered = Callable[[bytes, int, int], str | None]  # path, size, time: its kind, if it is known


@dataclass(frozen=True, slots=True)
class FoundPicture:
    """A picture's file: path below the scanned folder, size, time of change."""

    relative: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """A file or folder (whole path) that could not be read, and why."""

    path: bytes
    reason: str


def suffix_of(name: bytes) -> bytes:
    """The suffix of a name that is not hidden; `os.path.splitext` takes four times as long."""
    dot = name.rfind(b".")
    return name[dot:].lower() if dot > 0 else b""


def reason_of(error: OSError) -> str:
    """Why a file or folder could not be read, and what helps."""
    if isinstance(error, PermissionError):
        return "permission denied (make it readable for this user)"
    if isinstance(error, FileNotFoundError):
        return "no such file or folder (deleted meanwhile, or a broken link)"
    if isinstance(error, NotADirectoryError):
        return "not a folder"
    if error.errno == errno.ELOOP:
        return "a link to itself (delete it, or link to a file)"
    return f"cannot be read: {error.strerror or error}"
