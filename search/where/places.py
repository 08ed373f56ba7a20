"""Places of `--where`: within a distance of a point or named place, or within a box in degrees."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, func, or_

from indexer.catalogue.schema import PictureRow
from indexer.errors import InputError
from indexer.metadata.gazetteer import opened

_DEGREES = r"([-+]?\d+(?:\.\d+)?)"
_NEAR = re.compile(
    rf"{_DEGREES}\s*,\s*{_DEGREES}\s+(?:within|<)?\s*(\d+(?:\.\d+)?)\s*(km|m|mi|miles)"
)
_BOX = re.compile(rf"{_DEGREES}\.\.{_DEGREES}\s*,\s*{_DEGREES}\.\.{_DEGREES}")
_DISTANCE = r"(\d+(?:\.\d+)?)\s*(km|m|mi|miles)"
_NEAR_NAMED = (
    re.compile(rf"(?P<name>.*[^\W\d].*?)\s+(?:within|<)\s*{_DISTANCE}", re.IGNORECASE),
    re.compile(rf"(?:within\s+)?{_DISTANCE}\s+(?:of|from|around)\s+(?P<name>.+)", re.IGNORECASE),
)
_KILOMETRES = {"km": 1.0, "m": 0.001, "mi": 1.609344, "miles": 1.609344}
_EARTH = 6371.0088  # mean radius in km (IUGG)
_KM_PER_DEGREE = 110.5  # of latitude, a little less than anywhere: no box is too small


@dataclass(frozen=True, slots=True)
class Area:
    """A box in degrees: south, north, west, east; or a circle around the point that they name.

    `kilometres` is the radius of a circle, None for a box. A box whose western edge is east of its
    eastern one crosses the date line.
    """

    edges: tuple[float, float, float, float]
    kilometres: float | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        """The condition in SQL that a picture was taken here."""
        south, _, west, _ = self.edges
        if self.kilometres is None:
            return _within(*self.edges)
        return _near(south, west, self.kilometres)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The edges of a box around the area; across a pole or the date line, all longitudes."""
        if self.kilometres is None:
            return self.edges
        latitude, _, longitude, _ = self.edges
        reach = self.kilometres / _KM_PER_DEGREE
        south, north = latitude - reach, latitude + reach
        widest = max(abs(south), abs(north))
        turn = 180.0 if widest >= 89 else reach / math.cos(math.radians(widest))
        west, east = longitude - turn, longitude + turn
        if west < -180 or east > 180:
            west, east = -180.0, 180.0
        return south, north, west, east


def near_or_within(text: str) -> Area | None:
    """The area of `LAT, LON within N km` or `LAT..LAT, LON..LON`; None for other texts."""
    plain = " ".join(text.lower().split())
    if match := _NEAR.fullmatch(plain):
        latitude, longitude, distance = (float(match[n]) for n in (1, 2, 3))
        if _is_point(latitude, longitude):
            return _circle(latitude, longitude, distance * _KILOMETRES[match[4]])
    elif match := _BOX.fullmatch(plain):
        south, north, west, east = (float(edge) for edge in match.groups())
        if south <= north and _is_point(south, west) and _is_point(north, east):
            return Area((south, north, west, east))
    return None


class UnknownPlace(Exception):  # noqa: N818 - named by what it is about
    """A name that the gazetteer does not know; the message says what to give instead."""


def near_named(values: Sequence[str]) -> Area | None:
    """The area of `NAME within N km` or `within N km of NAME`; None for other values.

    State or country may follow the name behind a comma: `Vienna, Virginia within 10 km`. Raises
    `UnknownPlace`.
    """
    text = ", ".join(values)
    match = next(filter(None, (shape.fullmatch(text) for shape in _NEAR_NAMED)), None)
    if match is None:
        return None
    distance, unit = (group for group in match.groups() if group != match["name"])
    try:
        place = opened().named([part.strip() for part in match["name"].split(",")])
    except InputError as error:
        raise UnknownPlace(str(error)) from error
    if place is None:
        raise UnknownPlace(
            f"no place {match['name']!r} in the list of places with 500 inhabitants and more, by "
            "their English names; give its coordinates, as in '48.2, 16.37 within 10 km'"
        )
    return _circle(place.latitude, place.longitude, float(distance) * _KILOMETRES[unit.lower()])


def _circle(latitude: float, longitude: float, kilometres: float) -> Area:
    return Area((latitude, latitude, longitude, longitude), kilometres)


def _is_point(latitude: float, longitude: float) -> bool:
    return abs(latitude) <= 90 and abs(longitude) <= 180


def _within(south: float, north: float, west: float, east: float) -> ColumnElement[bool]:
    longitude = PictureRow.longitude
    beside = and_ if west <= east else or_
    return and_(
        PictureRow.latitude >= south,
        PictureRow.latitude <= north,
        beside(longitude >= west, longitude <= east),
    )


def _near(latitude: float, longitude: float, kilometres: float) -> ColumnElement[bool]:
    """Great-circle distance by the haversine formula."""
    half = func.radians(PictureRow.latitude - latitude) / 2
    turn = func.radians(PictureRow.longitude - longitude) / 2
    scale = math.cos(math.radians(latitude)) * func.cos(func.radians(PictureRow.latitude))
    squared = func.pow(func.sin(half), 2) + scale * func.pow(func.sin(turn), 2)
    distance = 2 * _EARTH * func.asin(func.min(1.0, func.sqrt(squared)))
    return distance <= kilometres
