"""Conditions of Milvus for expressions of `--where`, each with what it leaves open.

Milvus has no regular expressions, so that a condition may let through more pictures than it should
(its `upper` bound); those that are fetched are checked again in SQL. Turning a condition around
turns its bounds around: `lower` lets through no picture too many.
"""

from __future__ import annotations

from datetime import datetime

from search.where.condition import matching
from search.where.fields import FIELDS
from search.where.grammar import Both, Condition, Expression, Not, complain, parse
from search.where.spans import DMY
from search.where.values import Bounds, FieldContext, UnusableError


def stored_condition(text: str, *, now: datetime | None = None, date_order: str = DMY) -> Bounds:
    """The condition of Milvus for a text of `--where`.

    Raises `PlacedError` for a text that is not understood, and for a field or value that Milvus
    cannot look for.
    """
    moment = now or datetime.now()
    matching(text, now=moment, date_order=date_order)  # understands all fields and values
    return _bounds(parse(text), text, FieldContext(moment, 0, (), date_order))


def _bounds(expression: Expression, text: str, context: FieldContext) -> Bounds:
    if isinstance(expression, Condition):
        return _single(expression, text, context)
    if isinstance(expression, Not):
        return _bounds(expression.part, text, context).turned()
    parts = [_bounds(part, text, context) for part in expression.parts]
    return Bounds.all_of(parts) if isinstance(expression, Both) else Bounds.any_of(parts)


def _single(condition: Condition, text: str, context: FieldContext) -> Bounds:
    stored = FIELDS[condition.field].stored
    if stored is None:
        complain(
            text, condition.place, f"{condition.field!r}: a collection in Milvus has no such field"
        )
    try:
        bounds = stored(condition, context)
    except UnusableError as error:
        complain(text, condition.place, f"{condition.field!r}: {condition.text!r}: {error}")
    return bounds.turned() if condition.operator == "!=" else bounds
