"""Captions in spreadsheets: the first sheet of an Excel file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import chain, islice
from pathlib import Path

from indexer.captions.caption import Rows, UnusableFile, captions_of
from indexer.captions.columns import Columns
from indexer.captions.named_columns import NamedColumns
from indexer.captions.tables import MOST_LINES_ABOVE
from indexer.kinds.extras import SPREADSHEET_EXTRA, missing
from indexer.kinds.members import open_file


def spreadsheet_rows(path: Path, named: NamedColumns | None = None) -> Rows | None:
    """Read a sheet with a column of file names and one of captions; None without them.

    Raises `UnusableFile` without openpyxl, for a file that is no spreadsheet, and for one that
    lacks a column that a user has `named`.
    """
    with _opened(path) as cells:
        return _named_rows(cells, named) if named else _rows(cells)


def spreadsheet_columns(path: Path) -> list[str]:
    """The cells of the first row; raises `UnusableFile` as above."""
    with _opened(path) as cells:
        return next(cells, [])


@contextmanager
def _opened(path: Path) -> Iterator[Iterator[list[str]]]:
    """Lends the rows of the first sheet."""
    try:
        excel = import_module("openpyxl")  # imported late: few need it
    except ImportError:
        raise UnusableFile(missing("it is a spreadsheet", SPREADSHEET_EXTRA)) from None
    try:
        with open_file(path) as file:
            book = excel.load_workbook(file, read_only=True, data_only=True)
            yield ([_text(cell) for cell in row] for row in book.worksheets[0].values)
    except (OSError, UnusableFile):
        raise
    except Exception as error:  # it may raise anything for a damaged file
        raise UnusableFile(f"it is not a readable spreadsheet ({error})") from error


def _rows(cells: Iterator[list[str]]) -> Rows | None:
    for names in islice(cells, MOST_LINES_ABOVE):
        if (columns := Columns.of(names)) is not None:
            return _read(columns, cells)
    return None


def _named_rows(cells: Iterator[list[str]], named: NamedColumns) -> Rows:
    above: list[list[str]] = []
    for names in islice(cells, MOST_LINES_ABOVE):
        if (columns := named.of(names)) is not None:
            return _read(columns, chain([names] if named.is_data(names) else [], cells))
        above.append(names)
    raise named.missing_in(above[0] if above else [])


def _read(columns: Columns, cells: Iterator[list[str]]) -> Rows:
    rows = [
        (name, caption)
        for name, texts in map(columns.read, cells)
        for caption in captions_of(texts, "xlsx")
    ]
    return Rows("xlsx", rows, sure=columns.sure)


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
