"""Facets to browse by, and suggestions while the user types, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from indexer import Library
from search.browsing.facets import Facet, Facets, FolderFacet
from search.browsing.facets import facets as facets_of
from search.browsing.suggestions import examples, suggestions
from ui.views.safe_text import browser_safe

_HEADERS = {"Cache-Control": "private, no-cache"}
_LONGEST = 200  # letters that a name may begin with


@lru_cache(maxsize=4)
def _facets(library: Library, generation: int) -> Facets:
    return facets_of(library)


def facets(library: Library, request: Request) -> Response:
    """All facets of the library."""
    generation = library.generation
    known = _facets(library, generation)
    said = {
        "version": generation,
        "folders": [_folder(folder) for folder in known.folders],
        "albums": [
            _short(album) | {"cover": _picture(library, album.cover)} for album in known.albums
        ],
    }
    for name in ("years", "places", "people", "keywords", "cameras", "tags"):
        said[name] = [_short(facet) for facet in getattr(known, name)]
    return JSONResponse(said, headers=_HEADERS)


def suggest(library: Library, request: Request) -> Response:
    """Names that begin with `q`; examples if it is empty."""
    typed = request.query_params.get("q", "")[:_LONGEST].strip()
    names = suggestions(_facets(library, library.generation), typed)
    said = {
        "names": [asdict(name) | {"name": browser_safe(name.name)} for name in names],
        "examples": [] if typed else list(map(browser_safe, examples(library))),
    }
    return JSONResponse(said, headers=_HEADERS)


def _folder(folder: FolderFacet) -> dict[str, Any]:
    return {
        "name": browser_safe(folder.name),
        "path": folder.path,
        "pictures": folder.pictures,
        "where": folder.where,
        "folders": [_folder(inner) for inner in folder.folders.values()],
    }


def _short(facet: Facet) -> dict[str, Any]:
    """The fields that every facet has."""
    said = {"name": browser_safe(facet.name), "pictures": facet.pictures, "where": facet.where}
    return said | {"kind": facet.kind} if facet.kind else said


def _picture(library: Library, key: int | None) -> dict[str, Any] | None:
    """The address of a picture: its id and hash."""
    if key is None:
        return None
    content, _ = library.catalogue.hashes_of([key]).get(key, (None, None))
    return None if content is None else {"id": key, "hash": content.hex()}
