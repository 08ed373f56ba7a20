"""The gallery's front end as the server gives it out; there is no build."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute

FRONT = Path(__file__).with_name("front")
STYLE = (FRONT / "style.css").read_text(encoding="utf-8")
_SOURCES = {path.name: path.read_bytes() for path in sorted(FRONT.glob("*.js"))}
VERSION = hashlib.blake2b(b"\0".join(_SOURCES.values()), digest_size=8).hexdigest()
_KEPT = {"Cache-Control": "public, max-age=31536000, immutable"}  # a change has another address


def front_address(prefix: str) -> str:
    """Address of the front end's modules, on a server with `asset_routes(prefix)`."""
    return f"{prefix}/gallery/{VERSION}"


def asset_routes(prefix: str) -> list[BaseRoute]:
    """Route of the modules; nothing but they can be named."""
    from starlette.routing import Route

    return [Route(f"{prefix}/gallery/{{version}}/{{name}}", _module)]


async def _module(request: Request) -> Response:
    from starlette.responses import Response

    source = _SOURCES.get(request.path_params["name"])
    if source is None or request.path_params["version"] != VERSION:
        return Response(status_code=404)
    return Response(source, media_type="text/javascript", headers=_KEPT)
