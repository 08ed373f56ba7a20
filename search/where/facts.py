"""Conditions of `--where` on facts of metadata: who, what, and where by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from sqlalchemy import func, select

from indexer.catalogue.schema import FactRow, PictureRow
from indexer.catalogue.values import BESIDE, CARRIED, DERIVED
from indexer.metadata.fields import PLACES, bare
from search.where.grammar import Condition
from search.where.places import UnknownPlace, near_named, near_or_within
from search.where.values import FieldContext, Sql, UnusableError, any_of, pattern_of, words_of

_DISTANCE = re.compile(r"\b(within|\d+(\.\d+)?\s*(km|mi|miles))\b", re.IGNORECASE)
FACTS = {  # a field of `--where`, and the fields of facts
    "person": ("person",),
    "keyword": ("keyword",),
    "title": ("title", "headline", "alternative"),
    "comment": ("comment",),
    "prompt": ("prompt",),
    "flag": ("flag",),
}


def said(*fields: str) -> Callable[[str, FieldContext], Sql]:
    """A condition on the words of facts; accents do not count, and "/" divides levels too."""

    def condition(value: str, _: FieldContext) -> Sql:
        pattern = words_of(bare(value)).replace("/", "[/|]")
        return with_fact(fields, func.bare(FactRow.value).regexp_match(pattern))

    return condition


def with_fact(fields: Collection[str], *conditions: Sql) -> Sql:
    having = select(FactRow.picture_id).where(
        FactRow.origin.in_((CARRIED, BESIDE, DERIVED)), FactRow.field.in_(fields), *conditions
    )
    return PictureRow.id.in_(having)


def lens(value: str, _: FieldContext) -> Sql:
    return func.folded(PictureRow.lens).regexp_match(pattern_of(value))


def place(condition: Condition, context: FieldContext) -> Sql:
    try:
        place = near_or_within(condition.text)
        place = near_named(condition.values) if place is None else place
    except UnknownPlace as error:
        raise UnusableError(str(error)) from error
    if place is None and all(any(char.isalpha() for char in value) for value in condition.values):
        place = any_of(said(*PLACES))(condition, context)
    if place is None or _DISTANCE.search(condition.text):
        raise UnusableError(
            "takes names, as in 'Vienna' or 'Vienna within 10 km', a point with a distance, as in "
            "'48.2, 16.37 within 10 km', or a box, as in '48.1..48.3, 16.2..16.5' (degrees north "
            "and east)"
        )
    return place
