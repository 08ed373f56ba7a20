"""The parts of a filter that all must hold, to be shown and taken away one by one."""

from __future__ import annotations

from indexer.errors import PlacedError
from search.where.grammar import Both, Condition, Either, Expression, Not, parse


def parts_of(text: str) -> tuple[str, ...]:
    """The conditions that a filter joins by "and"; one that joins them in other ways is one part.

    A text that is no filter is one part too, so that it can be taken away.
    """
    try:
        expression = parse(text)
    except PlacedError:
        return (text,)
    parts = expression.parts if isinstance(expression, Both) else (expression,)
    said = tuple(filter(None, map(_said, parts)))
    return said if len(said) == len(parts) else (text,)


def narrowed(text: str | None, part: str) -> str:
    """A filter with one more condition, unless it has it already.

    The condition alone if the text is empty or no filter.
    """
    if text is None or not text.strip():
        return part
    if part in parts_of(text):
        return text
    try:
        loose = isinstance(parse(text), Either)
    except PlacedError:
        return part
    return f"({text}) and {part}" if loose else f"{text} and {part}"


def _said(part: Expression) -> str | None:
    """A single condition as it is written; None for several."""
    if isinstance(part, Not):
        inner = _said(part.part)
        return None if inner is None else f"not {inner}"
    if isinstance(part, Condition):
        sign = ":" if part.operator == ":" else f" {part.operator}"
        return f"{part.field}{sign} {part.text}"
    return None
