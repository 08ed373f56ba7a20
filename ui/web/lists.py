"""Lists as JSON: all pictures of a list in order, and the details of a single picture."""

from __future__ import annotations

import gzip
import json
from dataclasses import fields
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from indexer import Library
from indexer.settings import DATE_ORDERS
from search.browsing.details import details as details_of
from search.browsing.listing import Listing
from search.browsing.listing import columns as columns_of
from ui.views.safe_text import browser_safe
from ui.web.pictures import LARGEST_ID

_KEPT = 8  # lists; one of 100,000 pictures has some 3 MB
_LEVEL = 1  # of gzip: hashes do not get smaller by a higher one


def columns(library: Library, request: Request) -> Response:
    """All pictures of a list, in columns; the browser asks again only for a changed library."""
    asked = request.query_params
    listing = Listing(
        asked.get("order", "album" if asked.get("album") else "taken"),
        asked.get("reverse", "") in ("1", "true"),
        asked.get("where", ""),
        asked.get("folder", ""),
        asked.get("album", ""),
        asked.get("dates", DATE_ORDERS[0]),
    )
    return _packed_json(request, _packed(library, library.generation, listing, date.today()))


@lru_cache(maxsize=_KEPT)
def _packed(library: Library, generation: int, listing: Listing, today: date) -> bytes:
    """Gzipped JSON of a list; `today` is what "yesterday" in a condition refers to."""
    found = columns_of(library, listing)
    said: dict[str, Any] = {"version": generation, "total": len(found.ids)}
    said |= {column.name: getattr(found, column.name) for column in fields(found)}
    return gzip.compress(json.dumps(said, separators=(",", ":")).encode(), _LEVEL, mtime=0)


def _packed_json(request: Request, packed: bytes) -> Response:
    tag = f'"{packed[-8:].hex()}"'  # gzip ends with a checksum and the length of what it holds
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return Response(gzip.decompress(packed), 200, headers, "application/json")
    return Response(packed, 200, headers | {"Content-Encoding": "gzip"}, "application/json")


def details(library: Library, request: Request) -> Response:
    """All details of a picture."""
    key = request.path_params["id"]
    found: dict[str, Any] | None = details_of(library, key) if key <= LARGEST_ID else None
    if found is None:
        raise HTTPException(404, "the library has no such picture; reload the page")
    found |= {name: Path(found[name]) for name in ("name", "folder")}
    return JSONResponse(shown(found), headers={"Cache-Control": "private, no-cache"})


def shown(value: Any) -> Any:
    """A value of JSON whose texts hide nothing when a browser shows them."""
    if isinstance(value, dict):
        return {name: shown(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shown(part) for part in value]
    return browser_safe(value) if isinstance(value, str | Path) else value
