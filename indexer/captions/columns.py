"""Columns or keys that name a picture, and those that hold its captions."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Words of headers, with what their columns hold; of several for a picture, the first counts.
TABLE = Path(__file__).with_name("headers.tsv")
PICTURE, PERHAPS, CAPTION = "picture", "perhaps a picture", "caption"
PICTURE_SUFFIXES = r"\.(?:jpe?g|png|webp|gif|tiff?|heic|avif|bmp)"
_PICTURE_NAME = re.compile(rf"[^\t|;,]+{PICTURE_SUFFIXES}", re.IGNORECASE)
_TEXT_KEYS = ("raw", "caption", "text")
EXPECTED = (
    "a column with the picture's file (file, filename, file_name, image, image_name, path) "
    "and one with captions (caption, text, sentence, description, title, comment)"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table that name pictures and that hold captions, by position.

    `sure`: the column names pictures, and does not only seem to.
    """

    picture: int
    captions: tuple[int, ...]
    sure: bool = True

    @classmethod
    def of(cls, names: Sequence[str]) -> Columns | None:
        """The columns of a header; None if it lacks one of them."""
        picture, captions = picture_column(names), caption_columns(names)
        if picture is None or not captions:
            return None
        return cls(picture, captions, is_sure(names))

    def read(self, cells: Sequence[str]) -> tuple[str, list[str]]:
        """The picture's name and the captions in a row, which may end early."""
        name, *texts = (
            cells[place].strip() if place < len(cells) else ""
            for place in (self.picture, *self.captions)
        )
        return name, [text for cell in texts for text in texts_in_cell(cell)]


def is_sure(names: Sequence[str]) -> bool:
    """Whether a column names pictures beyond doubt."""
    return picture_column(names, sure=True) is not None


def is_picture_name(text: str) -> bool:
    """Whether a text ends like the name of a picture's file."""
    return _PICTURE_NAME.fullmatch(text.strip()) is not None


def picture_column(names: Sequence[str], *, sure: bool = False) -> int | None:
    """The position of the column that names the picture.

    A column such as "id" or "name" is taken if there is no other, unless it has to be `sure`.
    """
    folded = [_folded(name) for name in names]
    roles = (PICTURE,) if sure else (PICTURE, PERHAPS)
    words = (word for word, role in _roles().items() if role in roles)
    return next((folded.index(word) for word in words if word in folded), None)


def caption_columns(names: Sequence[str]) -> tuple[int, ...]:
    """The positions of the columns with captions, numbered or not; `label` is not one."""
    bare = [re.sub(r"_?\d+$", "", _folded(name)) for name in names]
    return tuple(i for i, name in enumerate(bare) if _roles().get(name) == CAPTION)


@cache
def _roles() -> dict[str, str]:
    lines = (line.partition("\t") for line in TABLE.read_text("utf-8").splitlines()[1:])
    return {word: role for word, _, role in lines}


def texts_in(value: object) -> Iterator[str]:
    """Yield the texts in a JSON value: a text, a list of texts, or objects that hold one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif isinstance(value, dict):
        yield from texts_in(next((value[key] for key in _TEXT_KEYS if key in value), None))


def texts_in_cell(cell: str) -> list[str]:
    """Return the captions in a table's cell, which may be a list written as JSON or Python."""
    if not (cell.startswith(("['", '["')) and cell.endswith("]")):
        return [cell]
    for parse in (json.loads, ast.literal_eval):
        try:
            return list(texts_in(parse(cell)))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return [cell]


def _folded(name: str) -> str:
    """A header in small letters, without the group that exiftool writes before it."""
    name = re.sub(r"^\w+:", "", name.strip())
    return re.sub(r"[\s-]+", "_", name.strip().strip("\"'").strip().casefold())
