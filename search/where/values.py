"""Values of `--where`: what a field takes, and the regular expressions of texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import ColumnElement, or_

from indexer.catalogue.tokens import SPACELESS
from search.where.grammar import Condition
from search.where.spans import DMY

Sql: TypeAlias = ColumnElement[bool]


class UnusableError(Exception):
    """A field does not take a value; the message says which values it takes."""


@dataclass(frozen=True, slots=True)
class FieldContext:
    """Facts that a value may depend on: the time, the encoder whose tags count, and its tags.

    `date_order`: how a date of numbers alone is read; `albums`: names of those of picked pictures.
    """

    now: datetime
    encoder_id: int
    tags: Collection[str]
    date_order: str = DMY
    albums: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of `--where`: its meaning, the operators that it takes, and its condition."""

    meaning: str
    operators: tuple[str, ...]
    condition: Callable[[Condition, FieldContext], Sql]


def any_of(each: Callable[[str, FieldContext], Sql]) -> Callable[[Condition, FieldContext], Sql]:
    """A condition that holds if it holds for one of the values."""

    def condition(condition: Condition, context: FieldContext) -> Sql:
        if not all(condition.values):
            raise UnusableError("a value is missing")
        return or_(*(each(value, context) for value in condition.values))

    return condition


def words_of(value: str) -> str:
    """A regular expression of folded text for consecutive words."""
    words = r"\s+".join(pattern_of(word).replace("[^/]", r"\w") for word in value.split())
    start = "" if SPACELESS.match(value) else rf"(^|\W|{SPACELESS.pattern})"
    end = "" if SPACELESS.match(value[-1:]) else rf"(\W|{SPACELESS.pattern}|$)"
    return f"{start}{words}{end}"


def is_pattern(value: str) -> bool:
    """Whether a value has wildcards."""
    return "*" in value or "?" in value


def pattern_of(value: str) -> str:
    """A regular expression of folded text, in which * and ? stand for any characters but /."""
    escaped = re.escape(value.casefold())
    return escaped.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")
