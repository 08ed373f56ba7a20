"""A fact: the value of one field of a picture, with the source that says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from indexer.metadata.texts import said, tidied

MOST_VALUES = 200  # of one field by one source: more is a mistake of a program


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that `source` says of a picture's `field`, as a text.

    Of "taken" it is a `Moment`, of "point" the degrees north and east, as in "48.2,16.37"; all
    other values stand as they are shown.
    """

    field: str
    value: str
    source: str


def facts_of(field: str, texts: Iterable[object], source: str) -> Iterator[Fact]:
    """A fact for each different text that says something, tidied; people may be called Nan."""
    clean = tidied if field == "person" else said
    tidy = (clean(text) for text in texts if isinstance(text, str))
    for value, _ in zip(dict.fromkeys(filter(None, tidy)), range(MOST_VALUES), strict=False):
        yield Fact(field, value, source)


def values_of(facts: Iterable[Fact], field: str) -> list[str]:
    """The values of a field, in the order of the facts."""
    return [fact.value for fact in facts if fact.field == field]
