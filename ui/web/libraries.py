"""The library that a request asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from starlette.requests import Request

from indexer import Library
from indexer.catalogue.database import FILE

Libraries: TypeAlias = Callable[[Request], Library]  # the opened one; raises `PicfuseError`s


class KeptLibrary:
    """Opens one library for reading at the first request, and again once it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened: tuple[tuple[int, int], Library] | None = None

    def __call__(self, request: Request) -> Library:
        """The library, for any request. Raises `LibraryError`s."""
        with self._lock:
            present = self._identity()
            if self._opened is None or self._opened[0] != present:
                self._opened = present, Library.open(self._path, read_only=True)
            return self._opened[1]

    def _identity(self) -> tuple[int, int]:
        """Identity of the catalogue's file; zeros if it cannot be seen."""
        try:
            found = (self._path / FILE).stat()
        except OSError:
            return 0, 0
        return found.st_dev, found.st_ino
