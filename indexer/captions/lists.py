"""Files of many captions, by the reader of each format."""

import os
from dataclasses import replace
from pathlib import Path

from indexer.captions.caption import Rows, UnusableFile
from indexer.captions.json_files import json_rows, jsonl_rows, looks_like_json, looks_like_jsonl
from indexer.captions.named_columns import NamedColumns
from indexer.captions.parquet import parquet_columns, parquet_rows
from indexer.captions.spreadsheet import spreadsheet_columns, spreadsheet_rows
from indexer.captions.tables import described_rows, line_rows, looks_like_captions
from indexer.captions.text_files import check_size, data_lines, peeked, text_lines
from indexer.kinds.members import open_file

_HINTS = (b"caption", b".token", b"metadata.")  # files with such names are meant to hold captions
_JSONL_PEEK = 1 << 16  # bytes; a longer first line is hardly about one picture


def rows_of(path: Path, named: NamedColumns | None = None) -> Rows | None:
    """Read a file of many captions by its suffix or its first line; None if it is not one.

    `named` are the columns that a user has named.
    """
    check_size(path)
    suffix = path.suffix.lower()
    if suffix == ".json":
        return json_rows(path, named)
    if suffix == ".jsonl":
        return jsonl_rows(path, named)
    if suffix == ".parquet":
        return parquet_rows(path, named)
    if suffix == ".xlsx":
        return spreadsheet_rows(path, named)
    guessed: set[str] = set()
    with open_file(path) as stream:
        lines = text_lines(stream, guessed)
        rows = described_rows(lines) if suffix == ".ion" else line_rows(lines, named)
    return rows and replace(rows, guessed=frozenset(guessed))


def column_names(path: Path) -> list[str]:
    """The columns of a Parquet or Excel file; raises `UnusableFile` and OSError."""
    is_sheet = path.suffix.lower() == ".xlsx"
    return spreadsheet_columns(path) if is_sheet else parquet_columns(path)


def is_plausible(path: Path) -> bool:
    """Whether a file that the user did not name looks like captions.

    Raises `UnusableFile` if it is not text although its name says that it holds captions.
    """
    suffix = path.suffix.lower()
    if suffix == ".json":
        return looks_like_json(path)
    if suffix in (".parquet", ".xlsx"):
        return True
    if suffix == ".ion":
        return path.stem.lower() == "descript"
    try:
        if suffix == ".jsonl":
            return looks_like_jsonl(peeked(path, _JSONL_PEEK))
        return looks_like_captions(data_lines(peeked(path)))
    except UnusableFile:
        if any(hint in os.fsencode(path.name).lower() for hint in _HINTS):
            raise
        return False
