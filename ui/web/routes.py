"""The routes over a library, for the app and for the service."""

from __future__ import annotations

import os

from anyio import CapacityLimiter
from starlette.routing import BaseRoute, Route

from ui.web import browsing, lists, pictures
from ui.web.endpoints import Find, endpoint, nothing
from ui.web.libraries import Libraries
from ui.web.zips import zip_of

PREFIX = "/pf"  # of the app's routes
_PICTURE = "{id:int}/{hash}"


def picture_routes(libraries: Libraries, prefix: str = PREFIX) -> list[BaseRoute]:
    """Routes below a prefix, over the library that `libraries` gives for a request.

    As many pictures are decoded at a time as there are processors, so that memory has a bound.
    """
    decoding = CapacityLimiter(os.cpu_count() or 1)

    def route(path: str, find: Find, limiter: CapacityLimiter | None = None) -> Route:
        return Route(f"{prefix}/{path}", endpoint(libraries, find, limiter=limiter))

    return [
        route(f"thumb/{_PICTURE}", pictures.thumb),
        route(f"view/{_PICTURE}", pictures.view, decoding),
        route(f"original/{_PICTURE}", pictures.original, decoding),
        route("columns", lists.columns),
        route("details/{id:int}", lists.details),
        route("facets", browsing.facets),
        route("suggest", browsing.suggest),
        Route(f"{prefix}/zip", zip_of(libraries), methods=["POST"]),
        Route(f"{prefix}/{{rest:path}}", nothing),
    ]
