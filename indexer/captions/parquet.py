"""Captions in Parquet, as data sets of Hugging Face and other programs keep them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from indexer.captions.caption import Rows, UnusableFile, captions_of
from indexer.captions.columns import Columns, texts_in
from indexer.captions.named_columns import NamedColumns
from indexer.kinds.members import open_file

_ROWS = 10_000  # that are in memory together


def parquet_rows(path: Path, named: NamedColumns | None = None) -> Rows | None:
    """Read a table with a column of file names and one of captions; None without them.

    Raises `UnusableFile` for a file that is no Parquet, or lacks a column that a user has `named`.
    """
    with _opened(path) as file:
        names = list(file.schema_arrow.names)
        columns = named.of(names) if named else Columns.of(names)
        if named and columns is None:
            raise named.missing_in(names)
        if columns is None:
            return None
        read = [names[place] for place in (columns.picture, *columns.captions)]
        rows = [
            (name, caption)
            for name, texts in _cells(file, read)
            for caption in captions_of(texts, "parquet")
        ]
    return Rows("parquet", rows, sure=columns.sure)


def parquet_columns(path: Path) -> list[str]:
    """The names of the columns; raises `UnusableFile` for a file that is no Parquet."""
    with _opened(path) as file:
        return list(file.schema_arrow.names)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    arrow = import_module("pyarrow")  # imported late: it takes a tenth of a second
    parquet = import_module("pyarrow.parquet")
    try:
        with open_file(path) as stream, parquet.ParquetFile(stream) as file:
            yield file
    except arrow.ArrowException as error:
        raise UnusableFile(f"it is not a readable Parquet file ({error})") from error


def _cells(file: Any, columns: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The name and the texts of each row; `columns` begin with that of the names.

    Hugging Face keeps a picture as an object with its bytes and its path.
    """
    for batch in file.iter_batches(_ROWS, columns=columns):
        for row in batch.to_pylist():
            name, *texts = (row[column] for column in columns)
            name = name.get("path") if isinstance(name, dict) else name
            yield str(name or ""), [text for cell in texts for text in texts_in(cell)]
