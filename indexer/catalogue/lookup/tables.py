"""The base of all lookups: rows by statement, chunks of ids, and whole paths."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from indexer.catalogue.database import Reading, sqlite_errors

T = TypeVar("T")
CHUNK = 500  # SQLite's limit on variables of a statement is above it everywhere


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items in chunks of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def full_path(folder: bytes, relative: bytes) -> Path:
    """The path of a picture; bytes that are not UTF-8 survive as surrogates."""
    return Path(os.fsdecode(folder)) / os.fsdecode(relative)


class Tables:
    """The rows of one library's tables, as SQLite gives them."""

    def __init__(self, reading: Reading, library: Path) -> None:
        self._reading_rows = reading
        self._library = library

    @property
    def lent(self) -> Reading:
        """Lends the connection of these tables, to further lookups over the same rows."""
        return self._reading_rows

    @contextmanager
    def snapshot(self) -> Iterator[Tables]:
        """The tables as they are now, whatever is written meanwhile."""
        with sqlite_errors(self._library), self._reading_rows() as connection:
            connection.execute("BEGIN")
            try:
                yield Tables(lambda: nullcontext(connection), self._library)
            finally:
                connection.rollback()

    def rows(self, query: str, *values: object) -> list[Any]:
        """The rows that a statement finds; `values` replace the question marks in it."""
        with sqlite_errors(self._library), self._reading_rows() as connection:
            return connection.execute(query, values).fetchall()

    def column(self, query: str, *values: object) -> list[Any]:
        """The first column of these rows."""
        return [row[0] for row in self.rows(query, *values)]

    def rows_in(self, query: str, keys: Iterable[object], *values: object) -> Iterator[Any]:
        """The rows of a statement with a list of keys at "(:keys)", after all other values.

        The statement runs once for each chunk of keys, so that the rows of one key come together.
        """
        for part in chunks(list(keys)):
            marks = ",".join("?" * len(part))
            yield from self.rows(query.replace(":keys", marks), *values, *part)
