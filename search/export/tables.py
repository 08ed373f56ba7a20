"""Tables of records: JSON lines, CSV, Parquet; written a batch at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from indexer.errors import InputError
from indexer.library.records import FIELDS, Record

ANSWER = ("rank", "score", "confidence", *FIELDS)  # where the pictures are the answer to a query
FORMATS = ("jsonl", "csv", "parquet")
GROUP = 20_000  # rows of a group of Parquet
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a cell begins with that a spreadsheet calculates


class Table(Protocol):
    """A file to which records are added; `close` writes what is left, and no more."""

    def add(self, records: Sequence[Record]) -> None:
        """Write records."""

    def close(self) -> None:
        """Write the end."""


def table(file: BinaryIO, format: str, columns: Sequence[str] = FIELDS) -> Table:
    """A table of one of the `FORMATS`; of the records it has these columns."""
    kinds: dict[str, type[Any]] = {"jsonl": JsonLines, "csv": Csv, "parquet": Parquet}
    made: Table = kinds[format](file, columns)
    return made


def format_of(path: Path | None, named: str | None) -> str:
    """The format that is named, or that a file's suffix tells. Raises `InputError`."""
    suffix = "jsonl" if path is None else path.suffix.lower().lstrip(".")
    found = named or suffix
    if found not in FORMATS:
        raise InputError(f"{path}: its suffix is not one of .{', .'.join(FORMATS)}; use --format")
    return found


class JsonLines:
    """A JSON object a line, in ASCII."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._file, self._columns = file, columns

    def add(self, records: Sequence[Record]) -> None:
        """Write a line for each."""
        for record in records:
            line = {name: record[name] for name in self._columns}
            self._file.write(json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        """Nothing is left."""


class Csv:
    """A header and a row for each, in UTF-8; lists and mappings are JSON in their cell.

    A text that a spreadsheet would take for a formula has an apostrophe before it: what stands in
    captions and in pictures may be anybody's, and formulas can send data away (CWE-1236).
    """

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._file, self._columns = file, columns
        self._rows([list(columns)])

    def add(self, records: Sequence[Record]) -> None:
        """Write a row for each."""
        self._rows([[_cell(record[name]) for name in self._columns] for record in records])

    def _rows(self, rows: Sequence[Sequence[Any]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        self._file.write(text.getvalue().encode())

    def close(self) -> None:
        """Nothing is left."""


def _cell(value: Any) -> Any:
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class Parquet:
    """Columns of their own types; captions are lists, tags a map; in groups of `GROUP` rows."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
        self._schema = self._arrow.schema([(name, self._type(name)) for name in columns])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._waiting: list[Record] = []

    def _type(self, name: str) -> Any:
        arrow = self._arrow
        types = {"captions": arrow.list_(arrow.string()), "id": arrow.int64()}
        types["tags"] = arrow.map_(arrow.string(), arrow.float64())
        types |= {name: arrow.int64() for name in ("size", "width", "height", "rank")}
        floats = ("latitude", "longitude", "score", "confidence")
        types |= {name: arrow.float64() for name in floats}
        return types.get(name, arrow.string())

    def add(self, records: Sequence[Record]) -> None:
        """Keep the records until they are a group, then write them."""
        self._waiting += [{**record, "tags": list(record["tags"].items())} for record in records]
        if len(self._waiting) >= GROUP:
            self._write()

    def _write(self) -> None:
        self._writer.write_table(self._arrow.Table.from_pylist(self._waiting, schema=self._schema))
        self._waiting = []

    def close(self) -> None:
        """Write the last group and the footer."""
        if self._waiting:
            self._write()
        self._writer.close()
