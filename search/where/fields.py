"""The fields of `--where`, each with its operators and its condition in SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import and_, exists, func, or_, select, true

from indexer.catalogue.schema import (
    CaptionRow,
    FolderRow,
    PictureRow,
    PictureTag,
    TagHeadRow,
    TagRow,
)
from indexer.catalogue.values import LATEST, NEVER
from indexer.metadata.fields import PLACES
from indexer.pictures.formats import FORMATS
from search.where.albums import album
from search.where.facts import FACTS, lens, place, said, text, with_fact, with_text
from search.where.grammar import Condition
from search.where.spans import Span, span
from search.where.values import (
    Field,
    FieldContext,
    Sql,
    UnusableError,
    any_of,
    is_pattern,
    pattern_of,
    words_of,
)

Number: TypeAlias = Any  # a column or an expression of columns
_FORMATS = {"jpg": "jpeg", "tif": "tiff", "heic": "heif"}
_KINDS = {"jpeg": ("jpeg", "mpo")}  # Pillow calls a JPEG with several pictures an MPO
_BYTES = {"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9}
_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)")
_ORDERED = (":", "=", "!=", "<", "<=", ">", ">=")
_EQUAL = (":", "=", "!=")


def _folder(value: str, _: FieldContext) -> Sql:
    return func.folded(FolderRow.path, PictureRow.relative).regexp_match(
        f"(^|/){pattern_of(value.strip('/'))}/"
    )


def _file(value: str, _: FieldContext) -> Sql:
    pattern = pattern_of(value)
    whole = f"(^|/){pattern}$" if is_pattern(value) else f"{pattern}[^/]*$"
    return func.folded(PictureRow.relative).regexp_match(whole)


def _camera(value: str, _: FieldContext) -> Sql:
    return func.folded(PictureRow.camera).regexp_match(pattern_of(value))


def _caption(value: str, _: FieldContext) -> Sql:
    holds = func.folded(CaptionRow.text).regexp_match(words_of(value))
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
        "place": or_(PictureRow.latitude.is_not(None), with_fact(PLACES)),
        "tag": tagged,
        "lens": PictureRow.lens.is_not(None),
        "rating": PictureRow.rating.is_not(None),
        "text": with_text(true()),
        **{name: with_fact(fields) for name, fields in FACTS.items()},
    }
    if value.lower() not in known:
        *names, last = known
        raise UnusableError(f"takes {', '.join(names)} or {last}")
    return known[value.lower()]


def _number(
    column: Number,
    units: dict[str, float],
) -> Callable[[Condition, FieldContext], Sql]:
    """A condition on a number, or a range `A..B` of numbers, in units of `units`."""

    def condition(condition: Condition, context: FieldContext) -> Sql:
        def each(value: str, _: FieldContext) -> Sql:
            low, high = _interval(value, units)
            return _compared(column, condition.operator, low, high)

        return any_of(each)(condition, context)

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
    last: Number = None,
) -> Sql:
    """A column compared with an interval; `up_to`: `high` belongs to the interval.

    `last`: the column is the first of a span, and this its last; all of the span must fulfil it.
    """
    last = column if last is None else last
    conditions: dict[str, Sql | None] = {
        "<": None if low is None else last < low,
        ">=": None if low is None else column >= low,
        ">": None if high is None else (column > high if up_to else column >= high),
        "<=": None if high is None else (last <= high if up_to else last < high),
    }
    if operator in conditions:
        sql = conditions[operator]
        if sql is None:
            raise UnusableError(f"is open-ended, so {operator!r} cannot compare with it")
        return sql
    edges = (conditions[edge] for edge in (">=", "<="))
    return and_(*(edge for edge in edges if edge is not None))


def _taken(condition: Condition, context: FieldContext) -> Sql:
    def each(value: str, _: FieldContext) -> Sql:
        time = _span(value, context)
        edges = [None if edge is None else edge.isoformat() for edge in (time.start, time.end)]
        last = func.coalesce(PictureRow.taken_last, PictureRow.taken)
        return _compared(PictureRow.taken, condition.operator, *edges, up_to=False, last=last)

    return any_of(each)(condition, context)


def _modified(condition: Condition, context: FieldContext) -> Sql:
    def each(value: str, _: FieldContext) -> Sql:
        time = _span(value, context)
        edges = [
            None if edge is None else min(math.floor(edge.timestamp()) * 1_000_000_000, LATEST)
            for edge in (time.start, time.end)
        ]
        known = func.nullif(PictureRow.mtime_ns, NEVER)
        return _compared(known, condition.operator, *edges, up_to=False)

    return any_of(each)(condition, context)


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


_MEGAPIXELS = PictureRow.width * PictureRow.height / 1e6
FIELDS = {
    "folder": Field("a folder on its path: 2021, holidays/rome", _EQUAL, any_of(_folder)),
    "file": Field("its name or part of it; * and ? stand for anything", _EQUAL, any_of(_file)),
    "taken": Field("when it was taken: last winter, 2019..2021, may 2020", _ORDERED, _taken),
    "modified": Field("when its file was last changed: yesterday", _ORDERED, _modified),
    "camera": Field("maker and model, or part of it: canon", _EQUAL, any_of(_camera)),
    "lens": Field("its maker and model, or part of it: 35mm", _EQUAL, any_of(lens)),
    "place": Field(
        "where: Vienna; Vienna within 10 km; 48.2, 16.37 within 10 km; or a box",
        _EQUAL,
        place,
    ),
    "person": Field("who is in it: Anna", _EQUAL, any_of(said(*FACTS["person"]))),
    "keyword": Field(
        "a keyword, or a level of one: safari/kenya", _EQUAL, any_of(said(*FACTS["keyword"]))
    ),
    "title": Field(
        "words of its title, headline or alternative text", _EQUAL, any_of(said(*FACTS["title"]))
    ),
    "comment": Field("words of a comment", _EQUAL, any_of(said(*FACTS["comment"]))),
    "prompt": Field(
        "words of the prompt it was generated from", _EQUAL, any_of(said(*FACTS["prompt"]))
    ),
    "rating": Field(
        "stars, from 1 to 5", _ORDERED, _number(PictureRow.rating, {"": 1, "stars": 1, "star": 1})
    ),
    "flag": Field(
        "picked, rejected, favourite, or a colour: red", _EQUAL, any_of(said(*FACTS["flag"]))
    ),
    "size": Field("size of its file: 2 MB", _ORDERED, _number(PictureRow.size, _BYTES)),
    "width": Field("in pixels", _ORDERED, _number(PictureRow.width, {"": 1, "px": 1})),
    "height": Field("in pixels", _ORDERED, _number(PictureRow.height, {"": 1, "px": 1})),
    "megapixels": Field("width times height", _ORDERED, _number(_MEGAPIXELS, {"": 1, "mp": 1})),
    "orientation": Field("landscape, portrait or square", _EQUAL, any_of(_orientation)),
    "format": Field("format of its file: jpeg, png, webp", _EQUAL, any_of(_format)),
    "tag": Field("a tag it has", _EQUAL, any_of(_tag)),
    "album": Field("an album of picked pictures that it is in", _EQUAL, any_of(album)),
    "caption": Field("consecutive words of a caption", _EQUAL, any_of(_caption)),
    "text": Field("consecutive words that it shows: platform 9", _EQUAL, any_of(text)),
    "has": Field("caption, date, camera, place, person, rating, tag …", _EQUAL, any_of(_has)),
}
