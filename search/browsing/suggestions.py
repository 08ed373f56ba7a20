"""Suggestions: names of a library that begin as somebody types, and examples of its captions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from indexer.catalogue.values import PRESENT
from indexer.library.library import Library
from indexer.metadata.fields import bare
from search.browsing.facets import Facet, Facets, FolderFacet

MOST = 8  # names, and examples
_EXAMPLES = """
    SELECT c.text FROM captions c JOIN pictures p ON p.id = c.picture_id
    WHERE p.state = ? AND length(c.text) BETWEEN 8 AND 48 AND instr(trim(c.text), ' ')
    GROUP BY c.text_hash ORDER BY c.text_hash LIMIT ?"""  # a hash is in no order: any captions


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name, the kind of thing that has it, and what `Facet` says of that."""

    name: str
    kind: str
    pictures: int | None
    where: str | None


def suggestions(known: Facets, typed: str) -> list[Suggestion]:
    """Names that begin with what was typed, then those with a word that does, frequent first."""
    start = bare(typed)
    found = [(one, bare(one.name)) for one in _names(known)] if start else []
    begin = [one for one, name in found if name.startswith(start)]
    inside = [one for one, name in found if f" {start}" in name and not name.startswith(start)]
    return [one for some in (begin, inside) for one in sorted(some, key=_rank)][:MOST]


def examples(library: Library) -> list[str]:
    """Short captions of the library that show what one can ask for."""
    return library.catalogue.column(_EXAMPLES, PRESENT, MOST)


def _rank(one: Suggestion) -> tuple[int, str]:
    return -(one.pictures or 0), one.name


def _names(known: Facets) -> Iterator[Suggestion]:
    kinds: dict[str, list[Facet]] = {
        "person": known.people,
        "place": known.places,
        "album": known.albums,
        "keyword": known.keywords,
        "tag": known.tags,
        "camera": known.cameras,
        "year": known.years,
    }
    for kind, facets in kinds.items():
        for facet in facets:
            yield Suggestion(facet.name, kind, facet.pictures, facet.where)
    for folder in known.folders:
        yield from _folders(folder)


def _folders(folder: FolderFacet) -> Iterator[Suggestion]:
    yield Suggestion(folder.name, "folder", folder.pictures, folder.where)
    for inner in folder.folders.values():
        yield from _folders(inner)
