"""Sidecars of Google Takeout: JSON with description, date, place and people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from indexer.metadata.dates import Moment
from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.points import point

SOURCE = "takeout"
_MARKS = ("photoTakenTime", "geoData", "geoDataExif", "people", "googlePhotosOrigin", "imageViews")
_PLACES = ("geoData", "geoDataExif")


def is_takeout(value: object) -> bool:
    """Whether a JSON value is a sidecar of Takeout."""
    return isinstance(value, dict) and any(mark in value for mark in _MARKS)


def takeout_facts(value: Mapping[str, Any]) -> Iterator[Fact]:
    """The facts in a sidecar. Its date is UTC, as Google keeps it, until its place is known."""
    yield from facts_of("description", [value.get("description")], SOURCE)
    people = value.get("people")
    names = (
        [p.get("name") for p in people if isinstance(p, dict)] if isinstance(people, list) else []
    )
    yield from facts_of("person", names, SOURCE)
    if (moment := _moment(value.get("photoTakenTime"))) is not None:
        yield Fact("taken", str(moment), SOURCE)
    for name in _PLACES:
        if (where := _point(value.get(name))) is not None:
            yield Fact("point", where, SOURCE)
    if value.get("favorited") is True:
        yield Fact("flag", "favourite", SOURCE)


def _moment(value: object) -> Moment | None:
    with suppress(TypeError, ValueError, LookupError, OverflowError, OSError):
        seconds = int(value["timestamp"])  # type: ignore[index]
        if seconds:
            return Moment(datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None))
    return None


def _point(value: object) -> str | None:
    with suppress(TypeError, ValueError, LookupError):
        return point(float(value["latitude"]), float(value["longitude"]))  # type: ignore[index]
    return None
