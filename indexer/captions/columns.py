"""Columns or keys that name a picture, and those that hold its captions."""

import ast
import json
import re
from collections.abc import Iterator, Sequence

# In order of preference if a table has several of them.
_PICTURE = (
    *("file_name", "filename", "file", "image_name", "image_file", "image_filename"),
    *("image_path", "file_path", "filepath", "path", "image", "img", "img_name", "img_path"),
    *("picture", "photo"),
)
_CAPTION = re.compile(
    r"(captions?|texts?|sentences?|description|title|comment|raw"
    r"|image_caption|caption_text|alt_text|image_description)(_?\d+)?"
)
EXPECTED = (
    "a column with the picture's file (file, filename, file_name, image, image_name, path) "
    "and one with captions (caption, text, sentence, description, title, comment)"
)


def picture_column(names: Sequence[str]) -> int | None:
    """Return the position of the column that names the picture."""
    folded = [_folded(name) for name in names]
    return next((folded.index(name) for name in _PICTURE if name in folded), None)


def caption_columns(names: Sequence[str]) -> tuple[int, ...]:
    """Return the positions of the columns with captions; `label` is not one."""
    return tuple(i for i, name in enumerate(names) if _CAPTION.fullmatch(_folded(name)))


def texts_in(value: object) -> Iterator[str]:
    """Yield the texts in a JSON value: a text, a list of texts, or objects with a `raw` text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)
    elif isinstance(value, dict):
        yield from texts_in(value.get("raw", value.get("caption")))


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
    return re.sub(r"[\s-]+", "_", name.strip().strip("\"'").strip().casefold())
