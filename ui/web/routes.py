"""The routes of the app over a library."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from ui.web import browsing, lists, pictures
from ui.web.endpoints import Find, endpoint, nothing
from ui.web.libraries import Libraries
from ui.web.zips import zip_of

PREFIX = "/pf"  # of the app's routes
_PICTURE = "{id:int}/{hash}"


def picture_routes(libraries: Libraries) -> list[BaseRoute]:
    """Routes over the library that `libraries` gives for a request."""

    def route(path: str, find: Find) -> Route:
        return Route(f"{PREFIX}/{path}", endpoint(libraries, find))

    return [
        route(f"thumb/{_PICTURE}", pictures.thumb),
        route(f"view/{_PICTURE}", pictures.view),
        route(f"original/{_PICTURE}", pictures.original),
        route("columns", lists.columns),
        route("details/{id:int}", lists.details),
        route("facets", browsing.facets),
        route("suggest", browsing.suggest),
        Route(f"{PREFIX}/zip", zip_of(libraries), methods=["POST"]),
        Route(f"{PREFIX}/{{rest:path}}", nothing),
    ]
