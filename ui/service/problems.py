"""Problems: errors as `application/problem+json` (RFC 9457), with the remedy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from indexer.errors import (
    InputError,
    LibraryError,
    LibraryLocked,
    LibraryNotFound,
    ModelError,
    PicfuseError,
    PictureError,
    PlacedError,
)
from ui.cli.output.text import valid
from ui.service.privacy import without_named
from ui.service.served import NotThere
from ui.web.endpoints import problem as web_problem

_LONGEST = 2000  # letters of a message


class Problem(BaseModel):
    """An error: `title` is its kind, `detail` says what is wrong and what to do about it."""

    type: str = Field(examples=["urn:picfuse:wrong-request"])
    title: str = Field(examples=["The request is wrong"])
    status: int = Field(examples=[400])
    detail: str = Field(examples=["where: no field 'colour'; there are folder, file, taken …"])
    text: str | None = Field(None, description="The text that could not be parsed.")
    place: int | None = Field(None, description="Where in that text the problem begins.")


_KINDS: Sequence[tuple[type[PicfuseError], int, str, str]] = (
    (NotThere, 404, "not-there", "It is not there"),
    (InputError, 400, "wrong-request", "The request is wrong"),
    (LibraryLocked, 409, "library-busy", "Another process is writing to the library"),
    (LibraryNotFound, 503, "library-missing", "The library is missing"),
    (LibraryError, 503, "library-unusable", "The library needs attention"),
    (ModelError, 503, "model-unavailable", "The model is unavailable"),
    (PictureError, 404, "no-image", "The picture cannot be shown"),
    (PicfuseError, 500, "failed", "It failed"),
)


def problem(
    status: int,
    kind: str,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """A response with a problem."""
    named = {"type": f"urn:picfuse:{kind}", "title": title}
    return web_problem(status, detail[:_LONGEST], headers, **named, **more)


def of_picfuse(error: PicfuseError, names: Mapping[str, str]) -> JSONResponse:
    """The problem of an error of picfuse; `names` stand for paths of the machine."""
    kinds = ((status, kind, title) for cls, status, kind, title in _KINDS if isinstance(error, cls))
    status, kind, title = next(kinds)
    said = without_named(str(error), names)
    more: dict[str, Any] = {}
    if isinstance(error, PlacedError):
        said = said.removeprefix("--")  # an option of the command line is a field here
        more = {"text": valid(error.text[:_LONGEST]), "place": error.place}
    return problem(status, kind, title, said, **more)


async def of_validation(request: Request, error: Exception) -> JSONResponse:
    """The problem of a request against the description in OpenAPI, without its values."""
    assert isinstance(error, RequestValidationError)
    said = [_said(one) for one in error.errors()]
    more = f" (and {len(said) - 5} more)" if len(said) > 5 else ""
    detail = "; ".join(said[:5]) + more + "; /openapi.json describes all requests"
    return problem(422, "not-understood", "The request is not understood", detail)


def _said(error: Mapping[str, Any]) -> str:
    place = ".".join(str(part)[:60] for part in error["loc"][1:]) or str(error["loc"][0])
    if error["type"] == "json_invalid":
        return f"the body is no JSON ({error['ctx']['error']} at letter {error['loc'][1]})"
    return f"{place}: {error['msg']}"


async def of_http(request: Request, error: Exception) -> JSONResponse:
    """The problem of an error of the protocol, such as an unknown address."""
    assert isinstance(error, HTTPException)
    title = HTTPStatus(error.status_code).phrase
    kind = title.lower().replace(" ", "-")
    detail = _DETAILS.get(error.status_code, str(error.detail))
    return problem(error.status_code, kind, title, detail, error.headers)


_DETAILS = {
    404: "no such address; /openapi.json lists all addresses",
    405: "this address does not take that method; /openapi.json lists its methods",
    413: "the body is too large; send a smaller picture, or allow more with --max-body",
}


async def of_failure(request: Request, error: Exception) -> JSONResponse:
    """The problem of an unexpected error; its text stays in the log."""
    detail = f"{type(error).__name__}; the log of the service has the details, please report it"
    return problem(500, "failed", "Unexpected error", detail)
