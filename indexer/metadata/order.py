"""The order of sources: which of them says what a picture's fields are.

Of a field with one value, the first source that has it wins; of a field with several, all count, in
this order. docs/metadata.md tells it to users.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from indexer.metadata.dates import Moment
from indexer.metadata.fact import Fact
from indexer.metadata.fields import KEPT
from indexer.metadata.points import point_of

SIDECAR = "sidecar"  # XMP in a file beside the picture
RECORD = "json"  # a record of exiftool or gallery-dl beside the picture
TAKEN = (  # when it happened, then when it was scanned, then when it was saved or sent
    "exif original", "xmp original", "iptc created", "png created",
    "exif digitised", "xmp digitised", "iptc digitised", "exif gps",
    "sidecar original", "sidecar digitised", "json original", "takeout",
    "exif modified", "file name", "folder name", "xmp modified",
)  # fmt: skip
SOURCES = (
    "exif", "xmp", "iptc", "png", "jpeg", "mpo", "gif", SIDECAR, RECORD, "picasa", "takeout",
    "coordinates",
)  # fmt: skip
SINGLE = ("taken", "point", "camera", "lens", "rating")


@dataclass(frozen=True, slots=True)
class Settled:
    """The fields with one value, as columns of the table of pictures.

    `taken` and `taken_last` are the first and last second as local ISO texts, `taken_last` None for
    a time that is known to the second. `latitude` and `longitude` are degrees north and east, both
    or neither. `taken_source` and `place_source` name the sources that won.
    """

    taken: str | None = None
    taken_last: str | None = None
    taken_source: str | None = None
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    place_source: str | None = None
    rating: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The values by column."""
        return {name: getattr(self, name) for name in COLUMNS}


COLUMNS = tuple(each.name for each in fields(Settled))


def settled(facts: Iterable[Fact]) -> Settled:
    """The values that win among the facts of one picture."""
    ordered = in_order(facts)
    when = _taken([fact for fact in ordered if fact.field == "taken"])
    point, camera, lens, rating = (_first(ordered, field) for field in SINGLE[1:])
    latitude, longitude = point_of(point.value) if point else (None, None)
    moment = Moment.of(when.value) if when else None
    return Settled(
        taken=moment.first.isoformat() if moment else None,
        taken_last=moment.last.isoformat() if moment and moment.last else None,
        taken_source=when.source if when else None,
        camera=camera.value if camera else None,
        lens=lens.value if lens else None,
        latitude=latitude,
        longitude=longitude,
        place_source=point.source if point else None,
        rating=int(rating.value) if rating else None,
    )


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """The facts in the order of their sources."""
    return sorted(facts, key=_rank)


def kept(facts: Iterable[Fact]) -> list[Fact]:
    """The facts of fields with several values, each value of a field once."""
    first: dict[tuple[str, str], Fact] = {}
    for fact in facts:
        if fact.field in KEPT:
            first.setdefault((fact.field, fact.value.casefold()), fact)
    return list(first.values())


def _rank(fact: Fact) -> int:
    order = TAKEN if fact.field == "taken" else SOURCES
    return order.index(fact.source) if fact.source in order else len(order)


def _first(facts: Sequence[Fact], field: str) -> Fact | None:
    return next((fact for fact in facts if fact.field == field), None)


def _taken(dates: Sequence[Fact]) -> Fact | None:
    """The first date, or the first of the others that tells more of the same span."""
    if not dates:
        return None
    span = Moment.of(dates[0].value)
    return next((one for one in dates[1:] if span.holds(Moment.of(one.value))), dates[0])
