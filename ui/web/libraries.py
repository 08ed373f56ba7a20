"""The library that a request asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from starlette.requests import Request

from indexer import Library
from indexer.catalogue.database import identity

Libraries: TypeAlias = Callable[[Request], Library]  # the opened one; raises `PicfuseError`s


class KeptLibrary:
    """Opens one library for reading at the first request, and again once it was replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._opened_file: tuple[int, int] | None = None
        self._library: Library | None = None

    def __call__(self, request: Request) -> Library:
        """The library, for any request. Raises `LibraryError`s."""
        with self._lock:
            present = identity(self._path)
            if self._library is None or present != self._opened_file:
                before, self._library = self._library, Library.open(self._path, read_only=True)
                self._opened_file = present
                if before is not None:  # requests under way keep the connections lent to them
                    before.close()
            return self._library
