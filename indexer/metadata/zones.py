"""Local times of points: the zone of the nearest town that the table of time zones names.

The table and the zones are those of IANA, in the package `tzdata`. Within a country, the zone of
the nearest of its towns is taken, so that near a border of zones it may be the neighbour's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from indexer.metadata.gazetteer import distance, opened

_REACH = 100.0  # km from the nearest place, which tells the country
_POSITION = re.compile(r"([+-]\d{4}(?:\d\d)?)([+-]\d{5}(?:\d\d)?)")  # ISO 6709: degrees, minutes


def local_time(moment: datetime, latitude: float, longitude: float) -> datetime | None:
    """The time on the clocks of a point at a moment in UTC; None where no country is near.

    Also None for a local time outside the calendar, before the year 1 or after 9999.
    """
    name = zone_at(round(latitude, 2), round(longitude, 2))
    if name is None:
        return None
    try:
        return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(name)).replace(tzinfo=None)
    except OverflowError:
        return None


@cache
def zone_at(latitude: float, longitude: float) -> str | None:
    """The name of the time zone of a point, as "Europe/Vienna"; None at sea."""
    near = opened().near(latitude, longitude, _REACH)
    nearest = min(near, key=lambda one: one[1], default=None)
    zones = _zones().get(nearest[0].country_code, {}) if nearest else {}
    here = (latitude, longitude)
    return min(zones, key=lambda name: distance(here, zones[name]), default=None)


@cache
def _zones() -> dict[str, dict[str, tuple[float, float]]]:
    """The zones of each country, with the place that stands for each in degrees north and east."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    zones: dict[str, dict[str, tuple[float, float]]] = defaultdict(dict)
    for line in table.splitlines():
        country, position, name = (*line.split("\t"), "", "")[:3]
        if not line.startswith("#") and (found := _POSITION.fullmatch(position)):
            zones[country][name] = (_degrees(found[1]), _degrees(found[2]))
    return dict(zones)


def _degrees(text: str) -> float:
    """Degrees of "+4813", "-0743042": minutes and seconds take two digits each."""
    sign, digits = (-1 if text[0] == "-" else 1), text[1:]
    whole = 2 if len(digits) in (4, 6) else 3
    minutes, seconds = digits[whole : whole + 2], digits[whole + 2 :] or "0"
    return sign * (int(digits[:whole]) + int(minutes) / 60 + int(seconds) / 3600)
