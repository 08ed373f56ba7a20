"""Captions in lines: tables with a header, and Flickr8k's `name.jpg#0<TAB>caption`."""

import csv
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from indexer.captions.caption import Caption, Rows, captions_of
from indexer.captions.columns import Columns, is_picture_name
from indexer.captions.named_columns import NamedColumns

_DELIMITERS = "\t|;,"
_TOKEN = re.compile(r"(?P<name>[^\t]+)#\d+\t(?P<text>.*)", re.DOTALL)
# Flickr30k's table has a row without its last delimiter: "2199200615.jpg| 4   A dog runs".
_NUMBERED = re.compile(r"\s*\d+\s+(?P<text>\S.*)", re.DOTALL)
_DESCRIBED = re.compile(r'(?:"(?P<quoted>[^"]+)"|(?P<name>\S+))\s+(?P<text>[^\x04]+)')
_SEPARATOR = re.compile(r"sep=(?P<sign>.)\s*", re.IGNORECASE)  # Excel's first line
_URL = re.compile(r"https?://\S+$")
MOST_LINES_ABOVE = 10  # a header: titles and remarks
_MAX_LINES_PER_ROW = 20  # a quote that stays open for longer was not meant to open a cell


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a table: its delimiter, its width, and its columns."""

    delimiter: str
    width: int
    columns: Columns


def line_rows(lines: Iterator[str], named: NamedColumns | None = None) -> Rows | None:
    """Read a table or a token file; None if no line at its beginning is one of theirs.

    With `named`, it is a table with these columns; raises `UnusableFile` if it lacks one.
    """
    if named is not None:
        return _named_rows(lines, named)
    above: list[str] = []
    for line in islice((line for line in lines if line.strip()), MOST_LINES_ABOVE):
        if not above and _TOKEN.match(line):
            return token_rows(chain([line], lines))
        header = table_header(line, _separator(above))
        if header:
            return table_rows(header, lines)
        above.append(line)
    header = bare_header(above)
    return table_rows(header, chain(above, lines)) if header else None


def looks_like_captions(lines: Iterable[str]) -> bool:
    """Whether a table or a token file begins here."""
    above = list(islice((line for line in lines if line.strip()), MOST_LINES_ABOVE))
    if not above:
        return False
    header = any(table_header(line, _separator(above)) for line in above)
    return header or bool(_TOKEN.match(above[0]) or bare_header(above))


def _separator(above: Sequence[str]) -> str:
    """The delimiters that a table may have, by the line that Excel writes first."""
    found = _SEPARATOR.fullmatch(above[0].strip()) if above else None
    return found["sign"] if found else _DELIMITERS


def _named_rows(lines: Iterator[str], named: NamedColumns) -> Rows:
    """Read a table with the columns that a user has named."""
    above: list[str] = []
    for line in islice((line for line in lines if line.strip()), MOST_LINES_ABOVE):
        for delimiter in _separator(above):
            names = _names(line.lstrip("#"), delimiter)
            if columns := named.of(names):
                first = [line] if named.is_data(names) else []
                return table_rows(Header(delimiter, len(names), columns), chain(first, lines))
        above.append(line)
    raise named.missing_in(header_names(above))


def header_names(lines: Sequence[str]) -> list[str]:
    """The cells of the first line that may be a header, even if it lacks columns."""
    first = next((line for line in lines if not _SEPARATOR.fullmatch(line.strip())), "")
    delimiter = next((sign for sign in _separator(lines) if sign in first), None)
    return _names(first.lstrip("#"), delimiter) if delimiter else [first.strip()]


def table_header(line: str, delimiters: str = _DELIMITERS) -> Header | None:
    """Recognise the delimiter and the columns; None without a picture or a caption column."""
    for delimiter in delimiters:
        if delimiter in line:
            names = _names(line.lstrip("#"), delimiter)
            columns = Columns.of(names)
            if columns is not None:
                return Header(delimiter, len(names), columns)
    return None


def bare_header(lines: Sequence[str]) -> Header | None:
    """The header of a table that has none: each line is a name and a text, or a text and a URL."""
    for delimiter in _DELIMITERS:
        rows = [_names(line, delimiter) for line in lines if not line.startswith("#")]
        if not rows or any(len(row) != 2 for row in rows):
            continue
        if all(is_picture_name(name) for name, _ in rows):
            return Header(delimiter, 2, Columns(0, (1,)))
        if all(_URL.match(url) for _, url in rows):  # as Conceptual Captions
            return Header(delimiter, 2, Columns(1, (0,), sure=False))
    return None


def table_rows(header: Header, lines: Iterator[str]) -> Rows:
    """Read the rows that follow a header."""
    source = "tsv" if header.delimiter == "\t" else "csv"
    rows: list[tuple[str, Caption]] = []
    for cells in _records(lines, header.delimiter):
        name, texts = header.columns.read(_aligned(cells, header))
        rows += ((name, caption) for caption in captions_of(texts, source))
    return Rows(source, rows, sure=header.columns.sure)


def token_rows(lines: Iterable[str]) -> Rows:
    """Read lines of `name.jpg#0<TAB>caption`."""
    rows: list[tuple[str, Caption]] = []
    flawed: list[int] = []
    for number, line in enumerate(lines, 1):
        match = _TOKEN.match(line)
        if match:
            found = captions_of([match["text"]], "flickr8k")
            rows += ((match["name"], caption) for caption in found)
        elif line.strip():
            flawed.append(number)
    return Rows("flickr8k", rows, flaw_of(flawed, "is not 'name.jpg#0<TAB>caption'"))


def described_rows(lines: Iterable[str]) -> Rows:
    """Read a descript.ion: a name, in quotes if it has spaces, and what it shows."""
    found = (_DESCRIBED.match(line) for line in lines)
    rows = [
        (match["quoted"] or match["name"], caption)
        for match in found
        if match
        for caption in captions_of([match["text"]], "descript.ion")
    ]
    return Rows("descript.ion", rows, sure=False)  # it describes all files of a folder


def flaw_of(lines: list[int], what: str) -> str | None:
    """Message about the lines that were left out; None if none were."""
    if not lines:
        return None
    return f"line {lines[0]} {what} ({len(lines)} such lines skipped); correct it"


def _aligned(cells: list[str], header: Header) -> list[str]:
    """Assign cells to columns where a delimiter is unquoted or missing."""
    last = header.columns.captions[-1]
    while len(cells) > header.width and not cells[-1].strip():
        cells = cells[:-1]
    extra = len(cells) - header.width
    if extra > 0:
        joined = header.delimiter.join(cells[last : last + extra + 1])
        return [*cells[:last], joined, *cells[last + extra + 1 :]]
    numbered = _NUMBERED.match(cells[-1])
    if numbered and len(cells) == last > header.columns.picture + 1:
        return [*cells, numbered["text"]]
    return cells


def _records(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """Yield the cells of each row; a stray quote stays in its cell and takes in no other row."""
    pushed_back: deque[str] = deque()

    def following() -> str | None:
        return pushed_back.popleft() if pushed_back else next(lines, None)

    for line in iter(following, None):
        if '"' in line:
            taken = [line]
            cells = _quoted(taken, following, delimiter)
            if cells is None:
                pushed_back.extendleft(reversed(taken[1:]))
            yield cells or line.split(delimiter)
        elif line.strip():
            yield line.split(delimiter)


def _quoted(
    taken: list[str], following: Callable[[], str | None], delimiter: str
) -> list[str] | None:
    """Parse a row with quotes, taking more lines while one is open; None if that fails."""
    while len(taken) <= _MAX_LINES_PER_ROW:
        try:
            cells = _cells(taken, delimiter, strict=True)
        except csv.Error as error:
            line = following() if "unexpected end" in str(error) else None
            if line is None:
                return None
            taken.append(line)
        else:
            across_rows = delimiter == "\t" and any("\t" in c and "\n" in c for c in cells)
            return None if across_rows else cells
    return None


def _cells(lines: list[str], delimiter: str, *, strict: bool) -> list[str]:
    return next(csv.reader(lines, delimiter=delimiter, strict=strict, skipinitialspace=True))


def _names(line: str, delimiter: str) -> list[str]:
    try:
        return _cells([line], delimiter, strict=False)
    except csv.Error:
        return line.split(delimiter)
