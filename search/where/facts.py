"""Conditions of `--where` on facts of metadata: who, what, and where by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from sqlalchemy import exists, func, or_, select

from indexer.catalogue.schema import FactRow, PictureRow, ReadingRow
from indexer.catalogue.values import BESIDE, CARRIED, DERIVED
from indexer.metadata.fields import PLACES, bare
from search.where.grammar import Condition
from search.where.places import Area, UnknownPlace, near_named, near_or_within
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
    """A condition that a picture has a fact of one of the fields that fulfils all conditions."""
    origins = or_(*(FactRow.origin == origin for origin in (CARRIED, BESIDE, DERIVED)))
    among = or_(*(FactRow.field == field for field in fields))
    having = select(FactRow.picture_id).where(origins, among, *conditions)
    return PictureRow.id.in_(having)


def text(value: str, _: FieldContext) -> Sql:
    """A condition on consecutive words that a picture shows; accents do not count."""
    return with_text(func.bare(ReadingRow.text).regexp_match(words_of(bare(value))))


def with_text(condition: Sql) -> Sql:
    """A condition that text was read in a picture, and fulfils another condition."""
    shown = ReadingRow.content_hash == PictureRow.content_hash
    return exists().where(shown, ReadingRow.text != "", condition).correlate(PictureRow)


def lens(value: str, _: FieldContext) -> Sql:
    """A condition on maker and model of the lens."""
    return func.folded(PictureRow.lens).regexp_match(pattern_of(value))


def place(condition: Condition, context: FieldContext) -> Sql:
    """A condition on the place of a picture: by its names, or by its degrees."""
    area = area_of(condition)
    return any_of(said(*PLACES))(condition, context) if area is None else area.condition


def area_of(condition: Condition) -> Area | None:
    """The area of a condition on a place; None if it gives names. Raises `UnusableError`."""
    try:
        area = near_or_within(condition.text) or near_named(condition.values)
    except UnknownPlace as error:
        raise UnusableError(str(error)) from error
    if area is None and not all(map(_is_name, condition.values)):
        raise UnusableError(
            "takes names, as in 'Vienna' or 'Vienna within 10 km', a point with a distance, as in "
            "'48.2, 16.37 within 10 km', or a box, as in '48.1..48.3, 16.2..16.5' (degrees north "
            "and east)"
        )
    return area


def _is_name(value: str) -> bool:
    return any(char.isalpha() for char in value) and not _DISTANCE.search(value)
