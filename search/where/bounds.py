"""Conditions of Milvus for single fields of `--where`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from indexer.catalogue.tokens import SPACELESS
from indexer.metadata.fields import PLACES, bare
from indexer.milvus.schema import UNKNOWN_DEGREES, UNKNOWN_TIME, mark, words_in
from search.where.facts import area_of
from search.where.grammar import Condition
from search.where.values import Bounds, FieldContext, UnusableError, is_pattern

Stored = Callable[[Condition, FieldContext], Bounds]


def each(one: Callable[[str], Bounds]) -> Stored:
    """A condition that holds if it holds for one of the values."""

    def stored(condition: Condition, _: FieldContext) -> Bounds:
        return Bounds.any_of([one(value) for value in condition.values])

    return stored


def marked(field: str, values: Callable[[str], Collection[str]]) -> Stored:
    """A condition that a picture has one of the marks of a value."""
    return each(lambda value: Bounds.exactly(_any_mark(mark(field, v) for v in values(value))))


def said(fields: Sequence[str], shown: str, *, folded: bool = False) -> Stored:
    """A condition on the words of facts, captions or text; that they follow each other is open.

    `shown`: what the user calls them.
    """

    def one(value: str) -> Bounds:
        if is_pattern(value):
            raise UnusableError(f"a collection in Milvus knows no '*' and '?' in {shown}")
        if SPACELESS.search(value):
            raise UnusableError(
                "a collection in Milvus looks up words between spaces alone; search for it instead"
            )
        words = words_in(value.casefold() if folded else bare(value))
        parts = (
            " and ".join(f"array_contains(marks, {text(mark(field, word))})" for word in words)
            for field in fields
        )
        found = [part for part in parts if part]
        return Bounds.over(" or ".join(f"({part})" for part in found) or "id >= 0")

    return each(one)


def containing(field: str, *, around: tuple[str, str] = ("%", "%")) -> Stored:
    """A condition that a text holds a value; characters with a meaning for LIKE leave it open."""

    def one(value: str) -> Bounds:
        return like(field, value, around)

    return each(one)


def folder(value: str) -> Bounds:
    """A condition on a folder of the path."""
    return like("folder", value.strip("/"), ("%/", "/%"))


def file(value: str) -> Bounds:
    """A condition on the name of a file; one with folders leaves it open."""
    name = value.rpartition("/")[2]
    found = like("file", name, ("", "") if is_pattern(value) else ("%", "%"))
    return found if name == value else Bounds.over(found.upper or "id >= 0")


def like(field: str, value: str, around: tuple[str, str]) -> Bounds:
    """A text field is like a value, in which * and ? stand for anything."""
    plain = value.casefold()
    pattern = re.sub(r"[\\_%\"?]", "_", plain).replace("*", "%")
    condition = f'({field} like "{around[0]}{pattern}{around[1]}" and {field} != "")'
    exact = not re.search(r"[\\_%\"?*]", plain)
    return Bounds.exactly(condition) if exact else Bounds.over(condition)


def numbers(
    field: str, operator: str, low: object, high: object, *, up_to: bool = True, last: str = ""
) -> Bounds:
    """A number or time compared with an interval; `up_to`: `high` belongs to it.

    `last`: the field is the first of a span, and this its last.
    """
    last = last or field
    conditions = {
        "<": None if low is None else f"{last} < {literal(low)}",
        ">=": None if low is None else f"{field} >= {literal(low)}",
        ">": None if high is None else f"{field} {'>' if up_to else '>='} {literal(high)}",
        "<=": None if high is None else f"{last} {'<=' if up_to else '<'} {literal(high)}",
    }
    if operator in conditions:
        chosen = [conditions[operator]]
    else:
        chosen = [conditions[">="], conditions["<="]]
    known = {"taken": 'taken != ""', "modified": f"modified > {UNKNOWN_TIME}"}
    parts = [known.get(field, f"{field} >= 0"), *(part for part in chosen if part)]
    return Bounds.exactly(f"({' and '.join(parts)})")


def having(names: Mapping[str, Collection[str]]) -> Stored:
    """A condition that a picture has something."""

    def one(value: str) -> Bounds:
        if value.lower() not in names:
            raise UnusableError(f"a collection in Milvus has no {value}s")
        return Bounds.exactly(_any_mark(mark("has", name) for name in names[value.lower()]))

    return each(one)


def place(condition: Condition, context: FieldContext) -> Bounds:
    """A condition on a place by its names, or by its degrees: a box around a circle."""
    area = area_of(condition)
    if area is None:
        return said(PLACES, "places")(condition, context)
    south, north, west, east = area.box
    known = f"latitude < {UNKNOWN_DEGREES}"
    parts = [known, f"latitude >= {south}", f"latitude <= {north}"]
    if west > -180 or east < 180:
        joined = "and" if west <= east else "or"
        parts.append(f"(longitude >= {west} {joined} longitude <= {east})")
    inside = f"({' and '.join(parts)})"
    return Bounds.exactly(inside) if area.kilometres is None else Bounds.over(inside)


def literal(value: object) -> str:
    """A number or text as Milvus reads it."""
    return text(value) if isinstance(value, str) else repr(value)


def text(value: str) -> str:
    """A text in double quotes."""
    return json.dumps(value, ensure_ascii=False)


def _any_mark(marks: Iterable[str]) -> str:
    listed = ", ".join(map(text, marks))
    return f"array_contains_any(marks, [{listed}])"
