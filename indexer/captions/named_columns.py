"""Columns that a user names, of tables whose headers tell nothing."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from indexer.captions.caption import UnusableFile
from indexer.captions.columns import Columns, is_picture_name, texts_in
from indexer.errors import InputError

_FILE, _CAPTION = "file", "caption"
_FORM = "file=NAME,caption=NAME"
_SHOWN_NAMES = 20


@dataclass(frozen=True, slots=True)
class NamedColumns:
    """The column with the names of pictures, and those with captions: by name, or number from 1."""

    file: str
    captions: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "file=NAME,caption=NAME", with any number of captions. Raises `InputError`."""
        try:
            cells = next(csv.reader([text]), [])
        except csv.Error:  # a line break
            cells = []
        pairs = [[part.strip() for part in cell.partition("=")[::2]] for cell in cells]
        files = [name for role, name in pairs if role == _FILE and name]
        captions = tuple(name for role, name in pairs if role == _CAPTION and name)
        if len(files) != 1 or not captions or len(files) + len(captions) != len(pairs):
            raise InputError(
                f"--columns {text!r}: say which column names the pictures and which have captions, "
                f"as in {_FORM}; a number counts from 1"
            )
        return cls(files[0], captions)

    def of(self, names: Sequence[str]) -> Columns | None:
        """Their positions in a header; None if one of them is not there."""
        places = [_place(name, names) for name in (self.file, *self.captions)]
        found = [place for place in places if place is not None]
        return Columns(found[0], tuple(found[1:])) if len(found) == len(places) else None

    def is_data(self, cells: Sequence[str]) -> bool:
        """Whether a table begins with a row that is no header: its columns have to be numbered."""
        columns = self.of(cells)
        numbered = all(name.isdecimal() for name in (self.file, *self.captions))
        return columns is not None and numbered and is_picture_name(cells[columns.picture])

    def read(self, record: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        """The picture's name and its captions in an object, if both keys are there."""
        name, values = record.get(self.file), [record.get(key) for key in self.captions]
        if isinstance(name, str | int):
            yield str(name), [text for value in values for text in texts_in(value)]

    def missing_in(self, names: Sequence[str]) -> UnusableFile:
        """The error for a table that lacks one of them."""
        lost = next(name for name in (self.file, *self.captions) if _place(name, names) is None)
        return UnusableFile(f"it has no column {lost!r}; {listed(names)}")


def listed(names: Sequence[str]) -> str:
    """The columns of a table, as a message names them."""
    shown = ", ".join(repr(name.strip()) for name in names[:_SHOWN_NAMES])
    return f"its columns are {shown}" + (", …" if len(names) > _SHOWN_NAMES else "")


def unknown_columns(names: Sequence[str], lacks: str) -> str:
    """The fault of a table whose header tells too little, and how to say what it means."""
    return f"{lacks}; {listed(names)}; say which: --captions FILE --columns {_FORM}"


def _place(name: str, names: Sequence[str]) -> int | None:
    """The position of a column by its name, in any letters, or by its number."""
    bare = [each.strip().casefold() for each in names]
    if name.casefold() in bare:
        return bare.index(name.casefold())
    number = int(name) if name.isdecimal() else 0
    return number - 1 if 0 < number <= len(names) else None
