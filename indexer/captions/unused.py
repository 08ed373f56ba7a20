"""Reasons why a file that looks like captions could not be used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from indexer.captions.caption import UnusableFile
from indexer.captions.columns import PICTURE_SUFFIXES, caption_columns, picture_column
from indexer.captions.lists import column_names
from indexer.captions.named_columns import unknown_columns
from indexer.captions.tables import header_names
from indexer.captions.text_files import data_lines, peeked

_TABLES = (".csv", ".tsv", ".jsonl", ".token")  # whatever is called so is a table
_HINTS = re.compile(r"caption|metadata\.|annotation|label|descript|prompt|\balt[-_]?text|texts?\b")
_PICTURE_NAMES = re.compile(rf"{PICTURE_SUFFIXES}\b".encode(), re.IGNORECASE)
_LABELS = re.compile(rb"(^|[\t,;|\"])(label|class|category)s?([\t,;|\"\r]|$)")
_CREDITS = re.compile(r"attribution|licen[cs]e|credits|sources")  # names of what is about rights
_LEAST_NAMES = {".json": 1}  # of pictures in a file; in any text one may be mentioned
_CAPTION_KEYS = (b'"caption', b'"prompt"', b'"sentences"')
_UNKNOWN_LAYOUT = "no list of objects with a picture and captions, no COCO, no Karpathy"


def why_unused(path: Path) -> str | None:
    """The fault of a caption file that could not be used; None if it is no such file.

    A table is one by its suffix; another text by its name, or if it names pictures.
    """
    suffix = path.suffix.lower()
    if suffix == ".captions":
        return "picfuse reads no .captions; name it .txt"
    if suffix in (".xmp", ".caption", ".ion") or _CREDITS.search(path.name.lower()):
        return None
    if suffix in (".parquet", ".xlsx"):
        return _lacking(column_names(path))
    try:
        data = peeked(path)
        is_meant = suffix in _TABLES or bool(_HINTS.search(path.name.lower()))
        if _is_labels(data) or not (is_meant or _is_about_pictures(data, suffix)):
            return None
        lines = [line.strip() for line in data_lines(data) if line.strip()]
    except (OSError, UnusableFile) as error:
        return str(error)
    if not lines:
        return "it is empty"
    return _UNKNOWN_LAYOUT if suffix in (".json", ".jsonl") else _wrong_header(lines)


def _is_about_pictures(data: bytes, suffix: str) -> bool:
    """Whether a text names pictures, or a JSON has captions."""
    if suffix == ".json" and any(key in data for key in _CAPTION_KEYS):
        return True
    return len(_PICTURE_NAMES.findall(data)) >= _LEAST_NAMES.get(suffix, 2)


def _is_labels(data: bytes) -> bool:
    """Whether a table's header has classes of pictures, which tags and measures are made from."""
    return bool(_LABELS.search(data.partition(b"\n")[0].lower()))


def _wrong_header(lines: Sequence[str]) -> str:
    """The fault of a table that is told by its first line."""
    names = header_names(lines)
    if len(names) < 2:
        return "its first line is no header of a table"
    return _lacking(names)


def _lacking(names: Sequence[str]) -> str:
    has_picture, has_caption = picture_column(names) is not None, bool(caption_columns(names))
    if has_picture and has_caption:
        return "its file names are not those of pictures here"
    if has_picture:
        return unknown_columns(names, "no column of captions")
    lacks = "no column of file names" + ("" if has_caption else " and none of captions")
    return unknown_columns(names, lacks)
