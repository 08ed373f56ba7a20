"""Places of `--where`: within a distance of a point, or within a box in degrees."""

from __future__ import annotations

import math
import re

from sqlalchemy import ColumnElement, and_, func, or_

from indexer.catalogue.schema import PictureRow

_DEGREES = r"([-+]?\d+(?:\.\d+)?)"
_NEAR = re.compile(
    rf"{_DEGREES}\s*,\s*{_DEGREES}\s+(?:within|<)?\s*(\d+(?:\.\d+)?)\s*(km|m|mi|miles)"
)
_BOX = re.compile(rf"{_DEGREES}\.\.{_DEGREES}\s*,\s*{_DEGREES}\.\.{_DEGREES}")
_KILOMETRES = {"km": 1.0, "m": 0.001, "mi": 1.609344, "miles": 1.609344}
_EARTH = 6371.0088  # mean radius in km (IUGG)


def near_or_within(text: str) -> ColumnElement[bool] | None:
    """The condition of `LAT, LON within N km` or `LAT..LAT, LON..LON`; None for other texts.

    A box whose western edge is east of its eastern one crosses the date line.
    """
    plain = " ".join(text.lower().split())
    if match := _NEAR.fullmatch(plain):
        latitude, longitude, distance = (float(match[n]) for n in (1, 2, 3))
        if _is_point(latitude, longitude):
            return _near(latitude, longitude, distance * _KILOMETRES[match[4]])
    elif match := _BOX.fullmatch(plain):
        south, north, west, east = (float(edge) for edge in match.groups())
        if south <= north and _is_point(south, west) and _is_point(north, east):
            return _within(south, north, west, east)
    return None


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
