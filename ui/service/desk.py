"""The desk of a service: everything that an endpoint needs to answer."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from fastapi import Depends, FastAPI, Request
from fastapi import Query as Parameter
from fastapi.exceptions import HTTPException
from fastapi.responses import JSONResponse

from indexer.errors import PicfuseError
from search.searcher import Searcher
from ui.cli.output.text import valid
from ui.service.jobs import Job, Jobs
from ui.service.metrics import Metrics
from ui.service.privacy import names_of_paths, without_folders, without_paths
from ui.service.problems import of_picfuse
from ui.service.questions import PictureReader
from ui.service.served import Libraries, ServedLibrary
from ui.service.settings import ServiceSettings

T = TypeVar("T")
Work = Callable[[Searcher, PictureReader], T]


class AsciiResponse(JSONResponse):
    """JSON as the command line prints it: a name of a file may be no valid UTF-8."""

    def render(self, content: Any) -> bytes:
        """The bytes of the body."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False).encode("ascii")


class Desk:
    """Libraries, jobs and metrics of a service, and the threads in which it works."""

    def __init__(self, settings: ServiceSettings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.libraries = Libraries(
            settings.libraries, self.metrics.encoded, offline=settings.offline
        )
        self.jobs = Jobs()
        self._waiting = 0
        self._threads: CapacityLimiter | None = None

    async def ask(self, served: ServedLibrary, work: Work[T]) -> T:
        """The result of work with the searcher of a library, in a thread of its own."""

        def asked() -> T:
            with served.asking() as searcher:
                reader = PictureReader(searcher.library, self.libraries.sandbox, self.settings.urls)
                return work(searcher, reader)

        return await self.run(asked)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of work in a thread, within the limits of waiting and of time."""
        limits = self.settings.limits
        if self._waiting >= limits.waiting:
            raise HTTPException(503, "too many requests wait; ask again", {"Retry-After": "1"})
        self._waiting += 1
        try:
            with anyio.fail_after(limits.seconds):
                return await to_thread.run_sync(work, limiter=self._limiter, abandon_on_cancel=True)
        except TimeoutError as error:
            detail = f"it takes more than {limits.seconds:g} s; ask for less, or later"
            raise HTTPException(503, detail, {"Retry-After": "5"}) from error
        finally:
            self._waiting -= 1

    async def answer(self, served: ServedLibrary, work: Work[object]) -> JSONResponse:
        """The result of work as JSON, without paths unless they are allowed."""
        fields = await self.ask(served, work)
        return AsciiResponse(fields if self.settings.paths else without_paths(fields))

    def without_folders(self, fields: T) -> T:
        """JSON fields whose texts name no folder by its path unless that is allowed."""
        shown: T = without_folders(fields, self._names)
        return shown

    def problem(self, error: PicfuseError) -> JSONResponse:
        """The problem of an error, without paths unless they are allowed."""
        return of_picfuse(error, self._names)

    async def job(self, job: Job) -> dict[str, Any]:
        """The fields of a job; its error is told without paths unless they are allowed."""
        fields = job.fields()
        if fields["error"] is not None:
            said = await to_thread.run_sync(self.without_folders, fields["error"])
            fields["error"] = valid(said)
        return fields

    @property
    def _names(self) -> Mapping[str, str]:
        """Names that stand for paths; none if paths are allowed."""
        return {} if self.settings.paths else names_of_paths(self.libraries)

    def close(self) -> None:
        """Stop the jobs after their batch, and close the libraries."""
        self.jobs.close()
        self.libraries.close()

    @property
    def _limiter(self) -> CapacityLimiter:
        """Threads for requests: several wait for the encoder or the disk while others compute."""
        if self._threads is None:
            self._threads = CapacityLimiter(4 * (os.cpu_count() or 1))
        return self._threads


def desk_in(app: FastAPI) -> Desk:
    """The desk of an app."""
    desk = app.state.desk
    assert isinstance(desk, Desk)
    return desk


def desk_of(request: Request) -> Desk:
    """The desk of the app that a request reaches."""
    return desk_in(request.app)


async def _desk(request: Request) -> Desk:
    return desk_of(request)


async def _served(
    request: Request,
    library: Annotated[
        str | None,
        Parameter(max_length=100, description="Name of a library; the first one if none is given."),
    ] = None,
) -> ServedLibrary:
    return desk_of(request).libraries.named(library)


TheDesk = Annotated[Desk, Depends(_desk)]
Served = Annotated[ServedLibrary, Depends(_served)]
