"""Data of the gallery: the pictures of an answer, or the address of a whole list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

Mark = Literal["right", "wrong"]
CAN = ("mark", "album", "heat", "remove", "arrange")  # what a page may be able to do


@dataclass(frozen=True, slots=True)
class Item:
    """A picture of an answer; `percent` is its probability, `why` lines that explain it.

    `aspect`: width / height, upright. `folded`: near-identical pictures that it stands for.
    """

    id: int
    hash: str
    aspect: float
    name: str
    caption: str = ""
    percent: int | None = None
    why: tuple[str, ...] = ()
    folded: tuple[Item, ...] = ()
    mark: Mark | None = None


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of a list: its name for people, and for the server the column and direction."""

    name: str
    order: str
    reverse: bool = False


SORTS = {  # by their names in the address; the first one is that of the start page
    "newest": Sort("Newest first", "taken"),
    "oldest": Sort("Oldest first", "taken", reverse=True),
    "added": Sort("Recently added", "added"),
    "name": Sort("By name", "name"),
    "folder": Sort("By folder", "folder"),
}
_DATED = ("newest", "oldest")


@dataclass(frozen=True, slots=True)
class ListSource:
    """A list that the browser fetches as a whole: its order and its limits.

    `sort` is a name in `SORTS`; empty for the order of an album itself.
    """

    sort: str = next(iter(SORTS))
    where: str | None = None
    album: str | None = None
    date_order: str | None = None

    def columns(self, prefix: str) -> dict[str, Any]:
        """Address of the list's columns, and whether dates order it."""
        sort = SORTS.get(self.sort, Sort("", "album"))
        asked = {"order": sort.order, "reverse": "1" if sort.reverse else None}
        asked |= {"where": self.where, "album": self.album, "dates": self.date_order}
        query = urlencode({name: said for name, said in asked.items() if said})
        return {"url": f"{prefix}/columns?{query}", "dated": self.sort in _DATED}


@dataclass(frozen=True, slots=True)
class GalleryData:
    """All that the gallery shows.

    `key` changes when another list begins; a list that grows, or is marked, keeps its key and its
    place on the screen. `title` None: the number of pictures. `version`: of the library, since
    lists are kept until it changes. `weaker`: number of weaker matches that a button would show;
    `more`: whether further hits can be asked for. `uploader`: where a dropped picture goes.
    `search`: address of the search page, where similar pictures and filters are shown; None on it.
    `within`: condition that all pictures of the list meet.
    """

    key: str
    shown: Sequence[Item] | ListSource
    version: str
    title: str | None = None
    albums: Sequence[str] = ()
    weaker: int = 0
    more: bool = False
    uploader: str | None = None
    search: str | None = None
    within: str | None = None
    can: frozenset[str] = field(default_factory=frozenset)

    def told(self, prefix: str) -> dict[str, Any]:
        """The same as JSON data for the front end (`ui/gallery/front/gallery.js: Data`)."""
        said: dict[str, Any] = {
            "key": self.key, "version": self.version, "title": self.title, "api": prefix,
            "albums": list(self.albums), "weaker": self.weaker, "more": self.more,
            "uploader": self.uploader, "search": self.search, "within": self.within,
            "sorts": [], "sorted": "",
            "can": {name: name in self.can for name in CAN},
        }  # fmt: skip
        if not isinstance(self.shown, ListSource):
            return said | {"kind": "hits", "items": [asdict(item) for item in self.shown]}
        sorts = [{"value": value, "name": sort.name} for value, sort in SORTS.items()]
        columns = self.shown.columns(prefix)
        said |= {"kind": "list", "columns": columns}
        return said if not self.shown.sort else said | {"sorts": sorts, "sorted": self.shown.sort}
