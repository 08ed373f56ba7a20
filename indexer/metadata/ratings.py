"""Ratings of one to five stars, from stars or per cent; flags of picked and rejected pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from indexer.metadata.fact import Fact

_REJECTED = -1
_PER_CENT = ((1, 1), (13, 2), (38, 3), (63, 4), (88, 5))  # least per cent for so many stars


def rating_of_stars(value: object) -> int | None:
    """Stars as they are: 1 to 5, -1 for a rejected picture; None for 0, which is no rating."""
    number = _number(value)
    if number is None:
        return None
    stars = round(number)
    return stars if stars == _REJECTED or 1 <= stars <= 5 else None


def rating_of_percent(value: object) -> int | None:
    """Stars of a rating in per cent, as Windows writes it: 1, 25, 50, 75 and 99."""
    number = _number(value)
    if number is None or number > 100:
        return None
    return max((stars for least, stars in _PER_CENT if number >= least), default=None)


def rating_facts(stars: int | None, source: str) -> Iterator[Fact]:
    """A rating; that of a rejected picture is a flag."""
    if stars == _REJECTED:
        yield Fact("flag", "rejected", source)
    elif stars is not None:
        yield Fact("rating", str(stars), source)


def _number(value: object) -> float | None:
    with suppress(TypeError, ValueError):
        return float(value)  # type: ignore[arg-type]
    return None
