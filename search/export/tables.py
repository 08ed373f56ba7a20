"""Tables of records as JSON lines, CSV or Parquet, written in batches."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from indexer.catalogue.lookup.facts import LISTS
from indexer.errors import InputError
from indexer.library.records import FIELDS, Record

ANSWER = ("rank", "score", "confidence", *FIELDS)  # columns for the answer to a query
FORMATS = ("jsonl", "csv", "parquet")
GROUP_ROWS = 20_000  # of a row group of Parquet
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # beginnings of a cell that a spreadsheet calculates


class Table(Protocol):
    """A file to which records are added; `close` writes what is left."""

    def add(self, records: Sequence[Record]) -> None:
        """Write records."""

    def close(self) -> None:
        """Write the end."""


def table(file: BinaryIO, format: str, columns: Sequence[str] = FIELDS) -> Table:
    """A table in one of the `FORMATS`, with these columns of the records."""
    kinds: dict[str, type[Any]] = {"jsonl": JsonLines, "csv": Csv, "parquet": Parquet}
    made: Table = kinds[format](file, columns)
    return made


def format_of(path: Path | None, named: str | None) -> str:
    """The named format, otherwise that of the suffix of a file. Raises `InputError`."""
    suffix = "jsonl" if path is None else path.suffix.lower().lstrip(".")
    format = named or suffix
    if format not in FORMATS:
        raise InputError(f"{path}: its suffix is not one of .{', .'.join(FORMATS)}; use --format")
    return format


class JsonLines:
    """One JSON object a line, in ASCII."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._file, self._columns = file, columns

    def add(self, records: Sequence[Record]) -> None:
        """Write a line for each record."""
        for record in records:
            line = {name: record[name] for name in self._columns}
            self._file.write(json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        """Do nothing: all is written."""


class Csv:
    """A header and a row for each record, in UTF-8; lists and mappings are JSON in their cell.

    An apostrophe precedes any text that a spreadsheet would take for a formula: captions and
    metadata may come from anybody, and formulas can send data away (CWE-1236).
    """

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._file, self._columns = file, columns
        self._rows([list(columns)])

    def add(self, records: Sequence[Record]) -> None:
        """Write a row for each record."""
        self._rows([[_cell(record[name]) for name in self._columns] for record in records])

    def _rows(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode())

    def close(self) -> None:
        """Do nothing: all is written."""


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class Parquet:
    """Typed columns, with captions as lists and tags as maps, in groups of `GROUP_ROWS` rows."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        self._schema = self._arrow.schema([(name, self._type(name)) for name in columns])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._waiting: list[Record] = []

    def _type(self, name: str) -> Any:
        arrow = self._arrow
        types = {name: arrow.list_(arrow.string()) for name in ("captions", *LISTS)}
        types["id"] = arrow.int64()
        types["tags"] = arrow.map_(arrow.string(), arrow.float64())
        types |= {name: arrow.int64() for name in ("size", "width", "height", "rank", "rating")}
        floats = ("latitude", "longitude", "score", "confidence")
        types |= {name: arrow.float64() for name in floats}
        return types.get(name, arrow.string())

    def add(self, records: Sequence[Record]) -> None:
        """Collect the records, and write them once they fill a group."""
        self._waiting += [{**record, "tags": list(record["tags"].items())} for record in records]
        if len(self._waiting) >= GROUP_ROWS:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._waiting, schema=self._schema))
        self._waiting = []

    def close(self) -> None:
        """Write the last group and the footer."""
        if self._waiting:
            self._write()
        self._writer.close()
