"""Captions in Parquet, as data sets of Hugging Face and other programs keep them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from indexer.captions.caption import Rows, UnusableFile, captions_of
from indexer.captions.columns import Columns, texts_in

_ROWS = 10_000  # that are in memory together


def parquet_rows(path: Path) -> Rows | None:
    """Read a table with a column of file names and one of captions; None without them.

    Raises `UnusableFile` for a file that is no Parquet.
    """
    arrow = import_module("pyarrow")  # imported late: it takes a tenth of a second
    parquet = import_module("pyarrow.parquet")
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            columns = Columns.of(names)
            if columns is None:
                return None
            read = [names[place] for place in (columns.picture, *columns.captions)]
            rows = [
                (name, caption)
                for name, texts in _cells(file, read)
                for caption in captions_of(texts, "parquet")
            ]
    except arrow.ArrowException as error:
        raise UnusableFile(f"it is not a readable Parquet file ({error})") from error
    return Rows("parquet", rows, sure=columns.sure)


def _cells(file: Any, columns: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The name and the texts of each row; `columns` begin with that of the names.

    Hugging Face keeps a picture as an object with its bytes and its path.
    """
    for batch in file.iter_batches(_ROWS, columns=columns):
        for row in batch.to_pylist():
            name, *texts = (row[column] for column in columns)
            name = name.get("path") if isinstance(name, dict) else name
            yield str(name or ""), [text for cell in texts for text in texts_in(cell)]
