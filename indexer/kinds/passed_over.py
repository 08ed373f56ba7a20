"""A file or folder that is passed over, as a value."""

from __future__ import annotations

from typing import NamedTuple


class PassedOver(NamedTuple):
    """A file or folder that is not indexed: its path below the folder, its kind, and why.

    A tuple, because there may be as many as pictures. `size` and `mtime_ns` are those of a file
    whose first bytes were read to learn its kind; they need not be read again.
    """

    relative: bytes
    kind: str
    reason: str = ""
    size: int = 0
    mtime_ns: int = 0
