"""Values of `--where`: what a field takes, and the regular expressions of texts."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
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
class Bounds:
    """A condition of Milvus from both sides, as its language writes it.

    `upper` lets through every picture that fulfils the condition and maybe more; None: all of them.
    `lower` lets through none that does not fulfil it, and maybe too few; None: none of them.
    """

    upper: str | None
    lower: str | None

    @classmethod
    def exactly(cls, condition: str) -> Bounds:
        """A condition that Milvus decides by itself."""
        return cls(condition, condition)

    @classmethod
    def over(cls, condition: str) -> Bounds:
        """A condition that every match fulfils, and maybe other pictures."""
        return cls(condition, None)

    @classmethod
    def all_of(cls, parts: Sequence[Bounds]) -> Bounds:
        """All conditions hold."""
        upper = [part.upper for part in parts if part.upper is not None]
        lower = [part.lower for part in parts if part.lower is not None]
        whole = len(lower) == len(parts)
        return cls(_joined("and", upper), _joined("and", lower) if whole else None)

    @classmethod
    def any_of(cls, parts: Sequence[Bounds]) -> Bounds:
        """One of the conditions holds."""
        upper = [part.upper for part in parts if part.upper is not None]
        lower = [part.lower for part in parts if part.lower is not None]
        whole = len(upper) == len(parts)
        return cls(_joined("or", upper) if whole else None, _joined("or", lower))

    def turned(self) -> Bounds:
        """The condition does not hold."""
        return Bounds(_turned(self.lower), _turned(self.upper))

    @property
    def exact(self) -> bool:
        """Whether Milvus decides it by itself."""
        return self.upper == self.lower


def _joined(word: str, parts: Sequence[str]) -> str | None:
    if len(parts) == 1:
        return parts[0]
    return f" {word} ".join(f"({part})" for part in parts) or None


def _turned(condition: str | None) -> str | None:
    return None if condition is None else f"not ({condition})"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of `--where`: its meaning, the operators that it takes, and its condition in SQL.

    `stored` is its condition in Milvus; None if a collection does not have it.
    """

    meaning: str
    operators: tuple[str, ...]
    condition: Callable[[Condition, FieldContext], Sql]
    stored: Callable[[Condition, FieldContext], Bounds] | None = None


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
