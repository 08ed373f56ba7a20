"""Comparing files, and keeping what was found: the same two contents are compared once."""

from __future__ import annotations

from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Self

from indexer import Library
from indexer.errors import LibraryError, PictureError
from indexer.library.records import CopyInfo

KEPT_TOGETHER = 20  # comparisons: large files take a second each, and a process may be killed


class Comparing:
    """Comparisons of files whose contents may be the same picture; a context manager.

    What opening both files has shown is kept with the library, by both contents and by the code
    that compares, unless the library was opened to be read only or cannot be written now.
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._new: dict[tuple[bytes, bytes], bool] = {}
        self._keeps = not library.read_only

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
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
        if not found or not self._keeps:
            return
        try:
            self._library.put_comparisons(found, self._looks.rule())
        except LibraryError:  # locked, or no longer writable: another run finds them again
            self._keeps = False
