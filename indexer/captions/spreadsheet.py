"""Captions in spreadsheets: the first sheet of an Excel file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path

from indexer.captions.caption import Rows, UnusableFile, captions_of
from indexer.captions.columns import caption_columns, picture_column, texts_in_cell
from indexer.kinds.extras import SPREADSHEET, missing

_MOST_LINES_ABOVE = 10  # a header: titles and remarks


def spreadsheet_rows(path: Path) -> Rows | None:
    """Read a sheet with a column of file names and one of captions; None without them.

    Raises `UnusableFile` without openpyxl, and for a file that is no spreadsheet.
    """
    try:
        excel = import_module("openpyxl")  # imported late: few need it
    except ImportError:
        raise UnusableFile(missing("it is a spreadsheet", SPREADSHEET)) from None
    try:
        book = excel.load_workbook(path, read_only=True, data_only=True)
        cells = ([_text(cell) for cell in row] for row in book.worksheets[0].values)
        return _rows(cells)
    except OSError:
        raise
    except Exception as error:  # it may raise anything for a damaged file
        raise UnusableFile(f"it is not a readable spreadsheet ({error})") from error


def _rows(cells: Iterator[list[str]]) -> Rows | None:
    for names in islice(cells, _MOST_LINES_ABOVE):
        picture, captions = picture_column(names), caption_columns(names)
        if picture is not None and captions:
            sure = picture_column(names, sure=True) is not None
            rows = [
                (row[picture].strip(), caption)
                for row in cells
                for caption in captions_of(_texts(row, captions), "xlsx")
            ]
            return Rows("xlsx", rows, sure=sure)
    return None


def _texts(row: Sequence[str], columns: Sequence[int]) -> Iterator[str]:
    for column in columns:
        yield from texts_in_cell(row[column])


def _text(cell: object) -> str:
    return "" if cell is None else str(cell)
