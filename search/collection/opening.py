"""Opening whatever can be searched: the directory of a library, or a collection in Milvus."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.errors import InputError
from indexer.library.address import is_address, not_an_address
from indexer.library.library import Library
from indexer.library.searchable import Searchable

if TYPE_CHECKING:
    from search.collection.collection import Collection


def open_library(
    path: str | Path, *, offline: bool = False, cache: Path | None = None
) -> Library | Collection:
    """Open a library for reading: a directory, or `milvus://HOST:PORT/COLLECTION`.

    Raises `LibraryError`s, and `InputError` for an address that is none.
    """
    if not is_address(path):
        return Library.open(path, read_only=True, offline=offline, cache=cache)
    collections = import_module("search.collection.collection")  # it brings pymilvus
    opened: Collection = collections.Collection.open(path, offline=offline, cache=cache)
    return opened


def local(library: Searchable) -> Library:
    """The library, which has to be a local one. Raises `InputError` for a collection."""
    if not isinstance(library, Library):
        not_an_address(library.path)
        raise InputError(f"{library.path}: not a local library")
    return library
