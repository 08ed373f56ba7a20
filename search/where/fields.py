"""The fields of `--where`, each with its operators and its condition in SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from indexer.catalogue.schema import (
    CaptionRow,
    FolderRow,
    PictureRow,
    PictureTag,
    TagHeadRow,
    TagRow,
)
from indexer.catalogue.tokens import SPACELESS
from indexer.catalogue.values import LATEST, NEVER
from indexer.pictures.formats import FORMATS
from search.where.grammar import Condition
from search.where.places import near_or_within
from search.where.spans import DMY, Span, span

Sql: TypeAlias = ColumnElement[bool]
Number: TypeAlias = Any  # a column or an expression of columns
_FORMATS = {"jpg": "jpeg", "tif": "tiff", "heic": "heif"}
_KINDS = {"jpeg": ("jpeg", "mpo")}  # Pillow calls a JPEG with several pictures an MPO
_BYTES = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)")
_ORDERED = (":", "=", "!=", "<", "<=", ">", ">=")
_EQUAL = (":", "=", "!=")


class UnusableError(Exception):
    """A field does not take a value; the message says which values it takes."""


@dataclass(frozen=True, slots=True)
class FieldContext:
    """Facts that a value may depend on: the time, the encoder whose tags count, and its tags.

    `date_order`: how a date of numbers alone is read.
    """

    now: datetime
    encoder_id: int
    tags: Collection[str]
    date_order: str = DMY


@dataclass(frozen=True, slots=True)
class Field:
    """A field of `--where`: its meaning, the operators that it takes, and its condition."""

    meaning: str
    operators: tuple[str, ...]
    condition: Callable[[Condition, FieldContext], Sql]


def _any(each: Callable[[str, FieldContext], Sql]) -> Callable[[Condition, FieldContext], Sql]:
    """A condition that holds if it holds for one of the values."""

    def condition(condition: Condition, context: FieldContext) -> Sql:
        if not all(condition.values):
            raise UnusableError("a value is missing")
        return or_(*(each(value, context) for value in condition.values))

    return condition


def _folder(value: str, _: FieldContext) -> Sql:
    return func.folded(FolderRow.path, PictureRow.relative).regexp_match(
        f"(^|/){_pattern(value.strip('/'))}/"
    )


def _file(value: str, _: FieldContext) -> Sql:
    pattern = _pattern(value)
    whole = f"(^|/){pattern}$" if _is_pattern(value) else f"{pattern}[^/]*$"
    return func.folded(PictureRow.relative).regexp_match(whole)


def _camera(value: str, _: FieldContext) -> Sql:
    return func.folded(PictureRow.camera).regexp_match(_pattern(value))


def _caption(value: str, _: FieldContext) -> Sql:
    words = r"\s+".join(_pattern(word).replace("[^/]", r"\w") for word in value.split())
    start = "" if SPACELESS.match(value) else rf"(^|\W|{SPACELESS.pattern})"
    end = "" if SPACELESS.match(value[-1:]) else rf"(\W|{SPACELESS.pattern}|$)"
    holds = func.folded(CaptionRow.text).regexp_match(f"{start}{words}{end}")
    return exists().where(CaptionRow.picture_id == PictureRow.id, holds).correlate(PictureRow)


def _tag(value: str, context: FieldContext) -> Sql:
    if value.casefold() not in {name.casefold() for name in context.tags}:
        known = f"there are {', '.join(sorted(context.tags))}" if context.tags else "there are none"
        raise UnusableError(f"no tag {value!r}; {known}")
    tags = (
        select(TagRow.id)
        .join(TagHeadRow, TagHeadRow.id == TagRow.head_id)
        .where(TagHeadRow.encoder_id == context.encoder_id)
        .where(func.folded(TagRow.name) == value.casefold())
    )
    return (
        exists()
        .where(PictureTag.picture_id == PictureRow.id, PictureTag.tag_id.in_(tags))
        .correlate(PictureRow)
    )


def _format(value: str, _: FieldContext) -> Sql:
    name = value.lower().lstrip(".")
    name = _FORMATS.get(name, name)
    known = [format.lower() for format in FORMATS]
    if name not in known:
        raise UnusableError(f"takes {', '.join(known[:-1])} or {known[-1]}")
    return or_(*(func.lower(PictureRow.format) == kind for kind in _KINDS.get(name, (name,))))


def _orientation(value: str, _: FieldContext) -> Sql:
    width, height = PictureRow.width, PictureRow.height
    known = {"landscape": width > height, "portrait": width < height, "square": width == height}
    if value.lower() not in known:
        raise UnusableError("takes landscape, portrait or square")
    return known[value.lower()]


def _has(value: str, context: FieldContext) -> Sql:
    tagged = (
        exists()
        .where(PictureTag.picture_id == PictureRow.id, PictureTag.tag_id == TagRow.id)
        .where(TagRow.head_id == TagHeadRow.id, TagHeadRow.encoder_id == context.encoder_id)
        .correlate(PictureRow)
    )
    known = {
        "caption": exists().where(CaptionRow.picture_id == PictureRow.id).correlate(PictureRow),
        "date": PictureRow.taken.is_not(None),
        "camera": PictureRow.camera.is_not(None),
        "place": PictureRow.latitude.is_not(None),
        "tag": tagged,
    }
    if value.lower() not in known:
        raise UnusableError("takes caption, date, camera, place or tag")
    return known[value.lower()]


def _place(condition: Condition, _: FieldContext) -> Sql:
    place = near_or_within(condition.text)
    if place is None:
        raise UnusableError(
            "takes a point with a distance, as in '48.2, 16.37 within 10 km', or a box, as in "
            "'48.1..48.3, 16.2..16.5' (degrees north and east)"
        )
    return place


def _number(
    column: Number,
    units: dict[str, float],
) -> Callable[[Condition, FieldContext], Sql]:
    """A condition on a number, or a range `A..B` of numbers, in units of `units`."""

    def condition(condition: Condition, context: FieldContext) -> Sql:
        def each(value: str, _: FieldContext) -> Sql:
            low, high = _interval(value, units)
            return _compared(column, condition.operator, low, high)

        return _any(each)(condition, context)

    return condition


def _interval(value: str, units: dict[str, float]) -> tuple[float | None, float | None]:
    """Lowest and highest number of a value; None where it is open."""
    parts = [part.strip().lower() for part in value.split("..")]
    matches = [_NUMBER.fullmatch(part) for part in parts]
    sound = all(p == "" or (m and m[2] in units) for p, m in zip(parts, matches, strict=True))
    if len(parts) > 2 or not any(matches) or not sound:
        named = ", ".join(unit.upper() for unit in units if unit)
        raise UnusableError("takes a number or a range A..B" + (f", with {named}" if named else ""))
    numbers = [float(m[1]) * units[m[2]] if m else None for m in matches]
    low, high = numbers[0], numbers[-1]
    if low is not None and high is not None and low > high:
        raise UnusableError("ends before it begins; the smaller number comes first")
    return low, high


def _compared(
    column: Number,
    operator: str,
    low: float | str | None,
    high: float | str | None,
    *,
    up_to: bool = True,
) -> Sql:
    """A column compared with an interval; `up_to`: `high` belongs to the interval."""
    below = None if low is None else column < low
    above = None if high is None else (column > high if up_to else column >= high)
    if operator in ("<", ">="):
        edge = below
    elif operator in (">", "<="):
        edge = above
    else:
        inside = [~edge for edge in (below, above) if edge is not None]
        return and_(*inside)
    if edge is None:
        raise UnusableError(f"is open-ended, so {operator!r} cannot compare with it")
    sql: Sql = edge if operator in ("<", ">") else ~edge
    return sql


def _taken(condition: Condition, context: FieldContext) -> Sql:
    def each(value: str, _: FieldContext) -> Sql:
        time = _span(value, context)
        edges = [None if edge is None else edge.isoformat() for edge in (time.start, time.end)]
        return _compared(PictureRow.taken, condition.operator, *edges, up_to=False)

    return _any(each)(condition, context)


def _modified(condition: Condition, context: FieldContext) -> Sql:
    def each(value: str, _: FieldContext) -> Sql:
        time = _span(value, context)
        edges = [
            None if edge is None else min(math.floor(edge.timestamp()) * 1_000_000_000, LATEST)
            for edge in (time.start, time.end)
        ]
        known = func.nullif(PictureRow.mtime_ns, NEVER)
        return _compared(known, condition.operator, *edges, up_to=False)

    return _any(each)(condition, context)


def _span(value: str, context: FieldContext) -> Span:
    try:
        time = span(value, context.now, date_order=context.date_order)
        edges = [] if time is None else [time.start, time.end]
        _ = [edge.timestamp() for edge in edges if edge is not None]
    except (ValueError, OverflowError):  # a year that no calendar of the machine has
        time = None
    if time is None:
        raise UnusableError(
            "takes a date, as in 2021, 2021-05, '12 june 2019', 'last winter', '3 days ago', "
            "or a range A..B"
        )
    return time


def _is_pattern(value: str) -> bool:
    return "*" in value or "?" in value


def _pattern(value: str) -> str:
    """A regular expression of folded text, in which * and ? stand for any characters but /."""
    escaped = re.escape(value.casefold())
    return escaped.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


_MEGAPIXELS = PictureRow.width * PictureRow.height / 1e6
FIELDS = {
    "folder": Field("a folder on its path: 2021, holidays/rome", _EQUAL, _any(_folder)),
    "file": Field("its name or part of it; * and ? stand for anything", _EQUAL, _any(_file)),
    "taken": Field("when it was taken: last winter, 2019..2021, may 2020", _ORDERED, _taken),
    "modified": Field("when its file was last changed: yesterday", _ORDERED, _modified),
    "camera": Field("maker and model, or part of it: canon", _EQUAL, _any(_camera)),
    "place": Field("where: 48.2, 16.37 within 10 km; 48.1..48.3, 16.2..16.5", _EQUAL, _place),
    "size": Field("size of its file: 2 MB", _ORDERED, _number(PictureRow.size, _BYTES)),
    "width": Field("in pixels", _ORDERED, _number(PictureRow.width, {"": 1, "px": 1})),
    "height": Field("in pixels", _ORDERED, _number(PictureRow.height, {"": 1, "px": 1})),
    "megapixels": Field("width times height", _ORDERED, _number(_MEGAPIXELS, {"": 1, "mp": 1})),
    "orientation": Field("landscape, portrait or square", _EQUAL, _any(_orientation)),
    "format": Field("format of its file: jpeg, png, webp", _EQUAL, _any(_format)),
    "tag": Field("a tag it has", _EQUAL, _any(_tag)),
    "caption": Field("consecutive words of a caption", _EQUAL, _any(_caption)),
    "has": Field("caption, date, camera, place or tag", _EQUAL, _any(_has)),
}
