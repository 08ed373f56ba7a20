"""Captions in spreadsheets: the first sheet of an Excel file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path

from indexer.captions.caption import Rows, UnusableFile, captions_of
from indexer.captions.columns import Columns
from indexer.captions.tables import MOST_LINES_ABOVE
from indexer.kinds.extras import SPREADSHEET_EXTRA, missing


def spreadsheet_rows(path: Path) -> Rows | None:
    """Read a sheet with a column of file names and one of captions; None without them.

    Raises `UnusableFile` without openpyxl, and for a file that is no spreadsheet.
    """
    try:
        excel = import_module("openpyxl")  # imported late: few need it
    except ImportError:
        raise UnusableFile(missing("it is a spreadsheet", SPREADSHEET_EXTRA)) from None
    try:
        book = excel.load_workbook(path, read_only=True, data_only=True)
        cells = ([_text(cell) for cell in row] for row in book.worksheets[0].values)
        return _rows(cells)
    except OSError:
        raise
    except Exception as error:  # it may raise anything for a damaged file
        raise UnusableFile(f"it is not a readable spreadsheet ({error})") from error


def _rows(cells: Iterator[list[str]]) -> Rows | None:
    for names in islice(cells, MOST_LINES_ABOVE):
        if (columns := Columns.of(names)) is not None:
            rows = [
                (name, caption)
                for name, texts in map(columns.read, cells)
                for caption in captions_of(texts, "xlsx")
            ]
            return Rows("xlsx", rows, sure=columns.sure)
    return None


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
