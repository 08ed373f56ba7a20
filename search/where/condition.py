"""Conditions in SQL for expressions of `--where`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, false, func, not_, or_

from search.where.fields import FIELDS
from search.where.grammar import Both, Condition, Expression, Not, complain, parse
from search.where.spans import DMY
from search.where.values import Field, FieldContext, UnusableError

_MEANT = {  # other words for fields
    **dict.fromkeys(("date", "day", "month", "time", "when", "year"), "taken"),
    **dict.fromkeys(("city", "country", "gps", "location"), "place"),
    **dict.fromkeys(("face", "people", "who"), "person"),
    **dict.fromkeys(("dir", "directory", "path"), "folder"),
    **dict.fromkeys(("extension", "type"), "format"),
    **dict.fromkeys(("changed", "edited"), "modified"),
    "description": "caption",
    "name": "file",
    "stars": "rating",
}
_QUOTED = re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL)
_COMPARED = re.compile(r"[<>!]=?|=")
_BEGUN = re.compile(r"([a-z]+)\s*(?:[<>!]=|[:=<>])", re.IGNORECASE)


def matching(
    text: str,
    *,
    encoder_id: int = 0,
    tags: Collection[str] = (),
    now: datetime | None = None,
    date_order: str = DMY,
    albums: Collection[str] = (),
) -> ColumnElement[bool]:
    """The condition on `PictureRow` and its `FolderRow` for a text of `--where`.

    `encoder_id`: the encoder whose tags count, which are `tags`; `now`: the time that "yesterday"
    refers to; `date_order`: "DMY", "MDY" or "YMD"; `albums`: those of picked pictures. An
    unknown fact of a picture fulfils no condition, and therefore any with `not`.
    Raises `PlacedError` for a text that is not understood.
    """
    context = FieldContext(now or datetime.now(), encoder_id, tags, date_order, albums)
    return _sql(parse(text), text, context)


def _sql(expression: Expression, text: str, context: FieldContext) -> ColumnElement[bool]:
    if isinstance(expression, Condition):
        return _single(expression, text, context)
    if isinstance(expression, Not):
        return not_(_sql(expression.part, text, context))
    joined = and_ if isinstance(expression, Both) else or_
    return joined(*(_sql(part, text, context) for part in expression.parts))


def _single(condition: Condition, text: str, context: FieldContext) -> ColumnElement[bool]:
    field = FIELDS.get(condition.field)
    if field is None:
        near = [_MEANT[condition.field]] if condition.field in _MEANT else []
        near += difflib.get_close_matches(condition.field, FIELDS, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        problem = f"no field {condition.field!r}; {meant}the fields are {', '.join(FIELDS)}"
        complain(text, condition.place, problem)
    if condition.operator not in field.operators:
        problem = f"{condition.field!r} takes {' '.join(field.operators)}"
        complain(text, condition.place, problem)
    _check_for_comparison(condition, field, text)
    _check_for_another(condition, text)
    try:
        sql = func.coalesce(field.condition(condition, context), false())
    except UnusableError as error:
        complain(text, condition.place, f"{condition.field!r}: {condition.text!r}: {error}")
    return not_(sql) if condition.operator == "!=" else sql


def _check_for_comparison(condition: Condition, field: Field, text: str) -> None:
    """Raise `PlacedError` for a comparison that follows a colon instead of replacing it."""
    compared = _COMPARED.match(condition.text)
    if compared and condition.operator == ":" and compared[0] in field.operators:
        value = condition.text[compared.end() :].strip()
        problem = f"a comparison takes no ':', as in {condition.field} {compared[0]} {value}"
        complain(text, text.index(condition.text, condition.place), problem)


def _check_for_another(condition: Condition, text: str) -> None:
    """Raise `PlacedError` if another condition follows a value without 'and' or 'or'."""
    plain = _QUOTED.sub(lambda quoted: " " * len(quoted[0]), condition.text)
    for begun in _BEGUN.finditer(plain):
        if begun[1].lower() in FIELDS:
            place = text.index(condition.text, condition.place) + begun.start()
            complain(text, place, "expected 'and' or 'or' here, or double quotes around the value")
