"""Comparing files, and keeping what was found: the same two contents are compared once."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from importlib import import_module
from types import ModuleType, TracebackType
from typing import Self

from indexer import Library
from indexer.errors import LibraryError, PictureError
from indexer.library.records import CopyInfo

KEPT_TOGETHER = 20  # comparisons: large files take a second each, and a process may be killed


class Comparing:
    """Comparisons of files whose contents may be the same picture; a context manager.

    What opening both files has shown is kept with the library, if it can be written, by both
    contents and by the code that compares. A library that was opened to be read is opened once
    more for that.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._new: dict[tuple[bytes, bytes], bool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._keep()

    @cached_property
    def _looks(self) -> ModuleType:
        """Imported when there is something to compare, since that brings Pillow."""
        return import_module("search.ranking.looks")

    def same(self, one: CopyInfo, other: CopyInfo) -> bool:
        """Whether two files show the same picture in every part.

        False if the thumbnails already differ, or a file cannot be read now.
        """
        pair = one.content_hash, other.content_hash
        kept = self._library.comparisons.same(*pair, self._looks.rule())
        if kept is not None:
            return kept
        sights = [
            self._looks.Sight(copy.content_hash, copy.path, self._library.thumbnails)
            for copy in (one, other)
        ]
        if self._looks.are_far(*sights):
            return False
        try:
            found = bool(self._looks.are_copies(*sights))
        except PictureError:  # which is not kept: the file may come back
            return False
        self._new[pair] = found
        if len(self._new) >= KEPT_TOGETHER:
            self._keep()
        return found

    def _keep(self) -> None:
        found, self._new = self._new, {}
        if not found:
            return
        with suppress(LibraryError):  # they are found again
            if not self._library.read_only:
                self._library.put_comparisons(found, self._looks.rule())
                return
            with Library.open(self._library.path) as writable:
                writable.put_comparisons(found, self._looks.rule())
