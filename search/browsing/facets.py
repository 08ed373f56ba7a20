"""Facets: folders, years, people and more to browse by, each with its number and condition."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from indexer.catalogue.values import PRESENT, SEARCH
from indexer.library.library import Library
from indexer.metadata.fields import PLACES
from search.browsing.listing import quoted
from search.browsing.picked import picked_albums

MOST = 500  # names of a kind; those with the fewest pictures are left out
_FACTS = """
    SELECT t.value, count(DISTINCT t.picture_id) AS number FROM facts t
    JOIN pictures p ON p.id = t.picture_id WHERE p.state = ? AND t.field = ?
    GROUP BY t.value ORDER BY number DESC, t.value LIMIT ?"""
_CAMERAS = """
    SELECT camera, count(*) AS number FROM pictures WHERE state = ? AND camera IS NOT NULL
    GROUP BY camera ORDER BY number DESC, camera LIMIT ?"""
_YEARS = """
    SELECT substr(taken, 1, 4) AS year, count(*) FROM pictures
    WHERE state = ? AND taken IS NOT NULL
        AND substr(coalesce(taken_last, taken), 1, 4) = substr(taken, 1, 4)
    GROUP BY year ORDER BY year DESC LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Facet:
    """A thing to browse by.

    `pictures` is its number of pictures, and `where` the condition of `--where` that leaves only
    them; both are None for an album that is a search. `kind` says more of an album (picked,
    favourites, search) and of a place (location, city, state, country). `cover` is the id of the
    picture that stands for an album.
    """

    name: str
    pictures: int | None
    where: str | None
    kind: str = ""
    cover: int | None = None


@dataclass(slots=True)
class FolderFacet:
    """A folder with the pictures in and below it, and the folders in it by name."""

    name: str
    path: str
    pictures: int = 0
    folders: dict[str, FolderFacet] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The condition that leaves only its pictures."""
        return f"folder: {quoted(self.path)}"


@dataclass(frozen=True, slots=True)
class Facets:
    """All that a library can be browsed by, each list with its most frequent first.

    Years go from the newest, albums and folders by name.
    """

    folders: list[FolderFacet]
    years: list[Facet]
    places: list[Facet]
    people: list[Facet]
    keywords: list[Facet]
    cameras: list[Facet]
    tags: list[Facet]
    albums: list[Facet]


def facets(library: Library) -> Facets:
    """Everything that the present pictures of a library can be browsed by."""
    rows = library.catalogue.rows
    return Facets(
        folders=_folders(library),
        years=[Facet(year, n, f"taken: {year}") for year, n in rows(_YEARS, PRESENT, MOST)],
        places=sorted(_places(library), key=lambda place: -(place.pictures or 0))[:MOST],
        people=list(_said(library, "person", "person")),
        keywords=list(_said(library, "keyword", "keyword")),
        cameras=[_facet("camera", *row) for row in rows(_CAMERAS, PRESENT, MOST)],
        tags=_tags(library),
        albums=list(_albums(library)),
    )


def _facet(condition: str, name: str, pictures: int, kind: str = "") -> Facet:
    return Facet(name, pictures, f"{condition}: {quoted(name)}", kind)


def _said(library: Library, fact: str, condition: str, kind: str = "") -> Iterator[Facet]:
    for name, pictures in library.catalogue.rows(_FACTS, PRESENT, fact, MOST):
        yield _facet(condition, name, pictures, kind)


def _places(library: Library) -> Iterator[Facet]:
    for kind in PLACES:
        yield from _said(library, kind, "place", kind)


def _tags(library: Library) -> list[Facet]:
    numbers: Counter[str] = Counter()
    for tags in library.tags.counts(library.encoder_id).values():
        numbers |= Counter(tags)  # of a tag that two heads give, the larger number
    return [_facet("tag", name, number) for name, number in numbers.most_common(MOST) if number]


def _albums(library: Library) -> Iterator[Facet]:
    for album in picked_albums(library):
        where = f"album: {quoted(album.name)}"
        yield Facet(album.name, album.pictures, where, album.kind, album.cover)
    for name in library.albums.names():
        yield Facet(name, None, None, SEARCH)


def _folders(library: Library) -> list[FolderFacet]:
    """The indexed folders with all folders in them that have pictures."""
    query = """
        SELECT f.path, p.relative FROM pictures p JOIN folders f ON f.id = p.folder_id
        WHERE p.state = ? ORDER BY f.path, p.relative"""
    numbers = Counter(
        (root, relative.rpartition(b"/")[0])
        for root, relative in library.catalogue.rows(query, PRESENT)
    )
    roots: dict[bytes, FolderFacet] = {}
    for (root, below), number in numbers.items():
        whole = _text(root)
        place = roots.setdefault(root, FolderFacet(whole.rpartition("/")[2] or whole, whole))
        place.pictures += number
        for name in filter(None, _text(below).split("/")):
            path = f"{place.path.rstrip('/')}/{name}"
            place = place.folders.setdefault(name, FolderFacet(name, path))
            place.pictures += number
    return list(roots.values())


def _text(path: bytes) -> str:
    """A path as text; conditions take what is not UTF-8 as "?", which stands for any letter."""
    return os.fsdecode(path).encode("utf-8", "replace").decode()
