"""The app of a service: its endpoints behind a guard."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException

from indexer.errors import PicfuseError
from ui.service.desk import Desk, TheDesk, desk_in, desk_of
from ui.service.endpoints import indexing, library, pictures, searching
from ui.service.guard import Guard
from ui.service.metrics import CONTENT_TYPE
from ui.service.problems import Problem, of_http, of_validation
from ui.service.responses import Health
from ui.service.settings import ServiceSettings
from ui.web.endpoints import PROBLEM

ABOUT = (
    "Search pictures by words, by pictures, or by both. Answers are the JSON that the command line "
    "prints with `--json`; errors are `application/problem+json` and say what to do."
)
SILENT: TelemetryConfig = {  # nothing leaves the machine, whatever the environment says
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
_SCHEMA = "Problem"
_PROBLEM = {"content": {PROBLEM: {"schema": {"$ref": f"#/components/schemas/{_SCHEMA}"}}}}
_TOKEN, _BEARER = "token", {"type": "http", "scheme": "bearer"}
_PROBLEMS = {
    400: "A query, condition or picture cannot be used.",
    401: "The token is missing or wrong.",
    403: "The service does not allow it.",
    404: "The picture, album or job is not there.",
    408: "The body did not arrive in time.",
    409: "Another process is writing to the library.",
    413: "The body is too large.",
    421: "The service does not know this name of its machine.",
    422: "The request is not understood.",
    429: "Too many requests.",
    503: "The library cannot answer now.",
}


class ServiceApp(FastAPI):
    """An app whose description has the problem, which no endpoint returns, and the token."""

    def openapi(self) -> dict[str, Any]:
        """The description of all endpoints."""
        described = super().openapi()
        described["components"]["schemas"][_SCHEMA] = Problem.model_json_schema()
        if desk_in(self).settings.token is not None:
            described["components"]["securitySchemes"] = {_TOKEN: _BEARER}
            described["security"] = [{_TOKEN: []}]
        return described


def create_app(settings: ServiceSettings) -> FastAPI:
    """The app that serves libraries; opens them now, so that errors show at the start."""
    desk = Desk(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await to_thread.run_sync(desk.close)

    app = ServiceApp(
        title="picfuse",
        version=version("picfuse"),
        description=ABOUT,
        lifespan=lifespan,
        telemetry=SILENT,
        redoc_url=None,
        docs_url=None,
        max_body_size=settings.limits.body,
        responses={status: {**_PROBLEM, "description": text} for status, text in _PROBLEMS.items()},
    )
    app.state.desk = desk
    app.add_middleware(Guard, settings=settings, metrics=desk.metrics)
    app.add_exception_handler(PicfuseError, _of_picfuse)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    _add_endpoints(app)
    return app


def _add_endpoints(app: FastAPI) -> None:
    for module in (searching, pictures, library, indexing):
        app.include_router(module.router)

    @app.get(
        "/health",
        tags=["service"],
        responses={200: {"model": Health}},
        openapi_extra={"security": []},
    )
    async def health() -> JSONResponse:
        """Confirm that the service runs; needs no token."""
        return JSONResponse({"status": "ok", "version": app.version})

    @app.get("/metrics", tags=["service"], response_class=Response)
    async def metrics(desk: TheDesk) -> Response:
        """Tell the numbers of the service in the format of Prometheus."""
        page = await desk.run(lambda: desk.metrics.page(desk.libraries))
        return Response(page, media_type=CONTENT_TYPE)


async def _of_picfuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, PicfuseError)
    return await to_thread.run_sync(desk_of(request).problem, error)
