"""Fields of `--where` that are compared: numbers and times, in SQL and for Milvus."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from sqlalchemy import and_, func

from indexer.catalogue.schema import PictureRow
from indexer.catalogue.values import LATEST, NEVER
from search.where import bounds
from search.where.grammar import Condition
from search.where.spans import Span, span
from search.where.values import Bounds, Field, FieldContext, Sql, UnusableError, any_of

Number: TypeAlias = Any  # a column or an expression of columns
_NUMBER = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)")
ORDERED = (":", "=", "!=", "<", "<=", ">", ">=")


def measured(meaning: str, name: str, column: Number, units: dict[str, float]) -> Field:
    """A field of numbers, in units of `units`."""

    def stored(condition: Condition, _: FieldContext) -> Bounds:
        spans = (_interval(value, units) for value in condition.values)
        return Bounds.any_of([bounds.numbers(name, condition.operator, *s) for s in spans])

    return Field(meaning, ORDERED, _number(column, units), stored)


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


def taken(condition: Condition, context: FieldContext) -> Sql:
    """A condition on the time at which a picture was taken, in SQL."""

    def each(value: str, _: FieldContext) -> Sql:
        time = _span(value, context)
        edges = _moments(time)
        last = func.coalesce(PictureRow.taken_last, PictureRow.taken)
        return _compared(PictureRow.taken, condition.operator, *edges, up_to=False, last=last)

    return any_of(each)(condition, context)


def taken_stored(condition: Condition, context: FieldContext) -> Bounds:
    """The same for Milvus."""
    spans = (_moments(_span(value, context)) for value in condition.values)
    return Bounds.any_of(
        [
            bounds.numbers("taken", condition.operator, *edges, up_to=False, last="taken_last")
            for edges in spans
        ]
    )


def modified(condition: Condition, context: FieldContext) -> Sql:
    """A condition on the time at which a file was changed, in SQL."""

    def each(value: str, _: FieldContext) -> Sql:
        time = _span(value, context)
        edges = _nanoseconds(time)
        known = func.nullif(PictureRow.mtime_ns, NEVER)
        return _compared(known, condition.operator, *edges, up_to=False)

    return any_of(each)(condition, context)


def modified_stored(condition: Condition, context: FieldContext) -> Bounds:
    """The same for Milvus."""
    spans = (_nanoseconds(_span(value, context)) for value in condition.values)
    return Bounds.any_of(
        [bounds.numbers("modified", condition.operator, *edges, up_to=False) for edges in spans]
    )


def _moments(time: Span) -> list[str | None]:
    return [None if edge is None else edge.isoformat() for edge in (time.start, time.end)]


def _nanoseconds(time: Span) -> list[int | None]:
    return [
        None if edge is None else min(math.floor(edge.timestamp()) * 1_000_000_000, LATEST)
        for edge in (time.start, time.end)
    ]


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
