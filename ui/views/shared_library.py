"""The library that all sessions of the app share, opened once."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import streamlit as st

from indexer import Library
from indexer.catalogue.database import identity, sqlite_errors
from indexer.locations import opened_directory
from search import Searcher
from ui.views.options import AppOptions

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SharedLibrary:
    """A library and its searcher; a session uses them inside `asking()`."""

    library: Library
    searcher: Searcher
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _counted: dict[int, int] = field(default_factory=dict)  # number of pictures, by generation

    @contextmanager
    def asking(self) -> Iterator[Searcher]:
        """Searcher for one session at a time: it updates itself when the library changes."""
        with self._lock, sqlite_errors(self.library.path):
            yield self.searcher

    def kept(self, name: str, wanted: Hashable, find: Callable[[Searcher], T]) -> T:
        """Result of `find`, kept in the session until `wanted` or the library changes."""
        with self.asking() as searcher:
            key = (wanted, self.library.path, self.library.generation)
            before: tuple[object, T] | None = st.session_state.get(name)
            if before is not None and before[0] == key:
                return before[1]
            found = find(searcher)
        st.session_state[name] = (key, found)
        return found

    @property
    def pictures(self) -> int:
        """Number of pictures that can be found; counted again when the library changes."""
        with self.asking():
            generation = self.library.generation
            if generation not in self._counted:
                self._counted.clear()
                self._counted[generation] = self.library.catalogue.number_present()
            return self._counted[generation]


def open_library(options: AppOptions) -> SharedLibrary:
    """The app's library, opened. Raises `LibraryNotFound` and other `LibraryError`s."""
    return _opened(options.library, options.offline, identity(options.library))


def _close(opened: SharedLibrary) -> None:
    opened.library.close()


@st.cache_resource(max_entries=4, show_spinner="Opening the library …", on_release=_close)
def _opened(path: Path, offline: bool, identity: tuple[int, int] | None) -> SharedLibrary:
    read_only = not os.access(path, os.W_OK)
    library = Library.open(path, read_only=read_only, offline=offline)
    _note_opened(path)
    return SharedLibrary(library, Searcher(library))


def was_opened(library: Path) -> bool:
    """Whether the app has opened a library at this path before: if it is missing, it is away."""
    try:
        return _mark(library).is_file()
    except OSError:
        return False


def _note_opened(library: Path) -> None:
    mark = _mark(library)
    with suppress(OSError):  # it is only missed
        if not mark.exists():
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.write_bytes(os.fsencode(library))


def _mark(library: Path) -> Path:
    return opened_directory() / hashlib.sha256(os.fsencode(library)).hexdigest()[:32]
