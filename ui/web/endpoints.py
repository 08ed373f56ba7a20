"""Endpoints: answers of a library as responses, and errors as problems with a remedy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from indexer import Library, PicfuseError
from indexer.errors import InputError, PictureError, PlacedError
from ui.views.safe_text import browser_safe
from ui.web.libraries import Libraries

Find: TypeAlias = Callable[[Library, Request], Response]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
PROBLEM = "application/problem+json"
ALONE = {  # no other page may embed an answer, and none is ever taken for a page
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}


def endpoint(libraries: Libraries, find: Find) -> Endpoint:
    """Endpoint that answers in a thread."""

    async def respond(request: Request) -> Response:
        try:
            found = await to_thread.run_sync(_found, libraries, find, request)
        except HTTPException as error:
            found = problem(error.status_code, error.detail)
        except PicfuseError as error:
            found = refusal(error)
        found.headers.update(ALONE)
        return found

    return respond


def _found(libraries: Libraries, find: Find, request: Request) -> Response:
    return find(libraries(request), request)


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Response that says what is wrong, as `application/problem+json` (RFC 9457)."""
    said = {**more, "status": status, "detail": browser_safe(detail)}
    headers = {"Cache-Control": "no-store", **(headers or {})}
    return JSONResponse(said, status, headers, media_type=PROBLEM)


async def body_of(request: Request, most: int) -> bytes | None:
    """Body of a request; None for one of more than `most` bytes."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return body


def refusal(error: PicfuseError) -> Response:
    """Response for an error that was raised on purpose."""
    said = error.problem if isinstance(error, PlacedError) else str(error)  # without "--where"
    return problem(_status(error), said)


def _status(error: PicfuseError) -> int:
    if isinstance(error, InputError):
        return 400
    return 404 if isinstance(error, PictureError) else 503


async def nothing(request: Request) -> Response:
    """Response to a path that leads nowhere."""
    return problem(404, "there is nothing at this address")
