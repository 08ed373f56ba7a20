"""Names of places for points, and points for names, out of a file of GeoNames.

`places.tsv.gz` has 155,000 places with 500 inhabitants and more (GeoNames, CC BY 4.0), sorted by
latitude: name, state, code of the country, degrees north and east, inhabitants.
"""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from sys import intern

import numpy as np
from numpy.typing import NDArray

from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.fields import bare

SOURCE = "coordinates"
PLACES = Path(__file__).with_name("places.tsv.gz")
COUNTRIES = PLACES.with_name("countries.tsv")
_EARTH = 6371.0088  # mean radius in km (IUGG)
_FARTHEST = 50.0  # km from the nearest place: beyond, a point has no name
_RADIUS = 0.012  # km that a city reaches from its centre, by the root of its inhabitants
_LARGEST = 60.0  # km: no city reaches farther
_KEPT = 4096  # points whose names are remembered


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the gazetteer; degrees north and east."""

    name: str
    state: str
    country: str
    country_code: str
    latitude: float
    longitude: float
    population: int


def names_at(latitude: float, longitude: float) -> tuple[Fact, ...]:
    """The nearest place, the city that reaches there, its state and country; none at sea."""
    return _names_at(round(latitude, 4), round(longitude, 4))


@lru_cache(maxsize=_KEPT)
def _names_at(latitude: float, longitude: float) -> tuple[Fact, ...]:
    gazetteer = opened()
    near = list(gazetteer.near(latitude, longitude, _LARGEST))
    nearest = min(near, key=lambda one: one[1], default=None)
    if nearest is None or nearest[1] > _FARTHEST:
        return ()
    reaching = [one for one, km in near if km <= _RADIUS * math.sqrt(one.population)]
    city = max([*reaching, nearest[0]], key=lambda place: place.population)
    location = nearest[0].name if nearest[0].name != city.name else ""
    values = (("location", location), ("city", city.name), ("state", city.state),
              ("country", city.country))  # fmt: skip
    return tuple(fact for field, value in values for fact in facts_of(field, [value], SOURCE))


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All places in columns, sorted by latitude: a dictionary for each would take 60 MB."""

    names: list[str]
    states: list[str]
    codes: list[str]
    latitudes: NDArray[np.float64]
    longitudes: NDArray[np.float64]
    populations: NDArray[np.int64]
    countries: dict[str, str]

    @classmethod
    def read(cls, places: Path, countries: Path) -> Gazetteer:
        """The gazetteer in a file of places and one of countries by their codes."""
        lines = gzip.decompress(places.read_bytes()).decode("utf-8").splitlines()
        columns = list(zip(*(line.split("\t") for line in lines), strict=True))
        names, states, codes = (list(map(intern, column)) for column in columns[:3])
        latitudes, longitudes = (np.array(column, np.float64) for column in columns[3:5])
        by_code = (line.split("\t", 1) for line in countries.read_text("utf-8").splitlines())
        populations = np.array(columns[5], np.int64)
        return cls(names, states, codes, latitudes, longitudes, populations, dict(by_code))

    def near(self, latitude: float, longitude: float, most: float) -> Iterator[tuple[Place, float]]:
        """The places within `most` km of a point, with their distance in km."""
        reach = math.degrees(most / _EARTH)
        first, last = np.searchsorted(self.latitudes, (latitude - reach, latitude + reach))
        part = slice(int(first), int(last))
        apart = _distances(latitude, longitude, self.latitudes[part], self.longitudes[part])
        for n in np.flatnonzero(apart <= most).tolist():
            yield self._place(part.start + n), float(apart[n])

    def named(self, names: Sequence[str]) -> Place | None:
        """The place with most inhabitants that has the first name and lies in the others."""
        first, *wider = map(bare, names)
        places = [self._place(n) for n, name in enumerate(self.names) if bare(name) == first]
        fitting = [place for place in places if all(name in _around(place) for name in wider)]
        return max(fitting, key=lambda place: place.population, default=None)

    def _place(self, number: int) -> Place:
        code = self.codes[number]
        return Place(
            name=self.names[number],
            state=self.states[number],
            country=self.countries.get(code, ""),
            country_code=code,
            latitude=float(self.latitudes[number]),
            longitude=float(self.longitudes[number]),
            population=int(self.populations[number]),
        )


@cache
def opened() -> Gazetteer:
    """The gazetteer, read at its first use."""
    return Gazetteer.read(PLACES, COUNTRIES)


def distance(point: tuple[float, float], other: tuple[float, float]) -> float:
    """The great-circle distance in km of two points in degrees north and east."""
    apart = _distances(*point, np.array([other[0]]), np.array([other[1]]))
    return float(apart[0])


def _around(place: Place) -> set[str]:
    return {bare(name) for name in (place.state, place.country, place.country_code)}


def _distances(
    latitude: float,
    longitude: float,
    latitudes: NDArray[np.float64],
    longitudes: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Great-circle distances (n,) in km by the haversine formula."""
    half = np.radians(latitudes - latitude) / 2
    turn = np.radians(longitudes - longitude) / 2
    scale = math.cos(math.radians(latitude)) * np.cos(np.radians(latitudes))
    squared = np.sin(half) ** 2 + scale * np.sin(turn) ** 2
    apart: NDArray[np.float64] = 2 * _EARTH * np.arcsin(np.sqrt(np.minimum(squared, 1.0)))
    return apart
