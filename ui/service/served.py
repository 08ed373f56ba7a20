"""Served libraries: each is open once, asked by many threads, and reopened when it is replaced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from indexer.catalogue.database import identity, sqlite_errors
from indexer.encoders.batching_encoder import BatchingEncoder
from indexer.errors import InputError
from indexer.library.library import Library
from indexer.pictures.sandbox import Sandbox
from search import Searcher
from search.collection.opening import open_library

WARM_UP = 3  # queries; then a text tower has rearranged its weights

Observe = Callable[[str, int], None]  # is told the kind and the size of each batch


class NotThere(InputError):  # noqa: N818 - named by the state, like `LibraryNotFound`
    """A picture, album or job that is not there."""


class ServedLibrary:
    """A library under a name; threads ask it inside `asking()`."""

    def __init__(self, name: str, path: Path, observe: Observe, *, offline: bool = False) -> None:
        self.name, self.path, self.offline = name, path, offline
        self._observe = observe
        self._lock = threading.Lock()
        self._opened_file = identity(path)
        self._searcher = self._opened()

    @contextmanager
    def asking(self) -> Iterator[Searcher]:
        """Searcher of the library as it is now. Raises `LibraryError`s that name a remedy."""
        with sqlite_errors(self.path):
            yield self._current()

    def writer(self) -> Library:
        """The library opened anew to be changed; the caller closes it."""
        return Library.open(self.path, offline=self.offline)

    def close(self) -> None:
        """Close the library."""
        self._searcher.library.close()

    def _current(self) -> Searcher:
        with self._lock:
            present = identity(self.path)
            if present != self._opened_file:
                before, self._searcher = self._searcher, self._opened()
                self._opened_file = present
                before.library.close()
            library = self._searcher.library
            if not isinstance(library.encoder, BatchingEncoder):  # first, or it moved to another
                library.use_encoder(BatchingEncoder(library.encoder, self._observe))
            return self._searcher

    def _opened(self) -> Searcher:
        return Searcher(open_library(self.path, offline=self.offline))


class Libraries:
    """Libraries by name, the first of which answers where no name is given."""

    def __init__(
        self, paths: Mapping[str, Path], observe: Observe, *, offline: bool = False
    ) -> None:
        self._served = {
            name: ServedLibrary(name, path, observe, offline=offline)
            for name, path in paths.items()
        }
        self.sandbox = Sandbox()

    def __iter__(self) -> Iterator[ServedLibrary]:
        return iter(self._served.values())

    def named(self, name: str | None = None) -> ServedLibrary:
        """The library of a name. Raises `InputError` for an unknown one."""
        name = next(iter(self._served)) if name is None else name
        if name not in self._served:
            known = ", ".join(self._served)
            raise InputError(f"no library {name[:100]!r} is served; there are: {known}")
        return self._served[name]

    def warm(self) -> None:
        """Open encoders and rows, so that the first client does not wait for them."""
        for served in self:
            with served.asking() as searcher:
                if searcher.library.catalogue.number_present():
                    for number in range(WARM_UP):
                        searcher.search(f"warm {number}", k=1)

    def close(self) -> None:
        """Close all libraries."""
        for served in self:
            served.close()
        self.sandbox.close()
