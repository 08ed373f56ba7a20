"""The condition of `--where` on albums of picked pictures."""

from __future__ import annotations

from sqlalchemy import Integer, bindparam, text

from indexer.catalogue.lookup.picked import PICTURES_OF
from indexer.catalogue.schema import PictureRow
from search.where.values import FieldContext, Sql, UnusableError


def album(value: str, context: FieldContext) -> Sql:
    """A condition that a picture is in an album; case does not count."""
    names = [name for name in context.albums if name.casefold() == value.casefold()]
    if not names:
        known = ", ".join(context.albums)
        there = f"there are {known}" if known else "there are none"
        raise UnusableError(f"no album of picked pictures of this name; {there}")
    return PictureRow.id.in_(
        text(PICTURES_OF)
        .bindparams(bindparam("album", value if value in names else names[0], unique=True))
        .columns(id=Integer)
    )
