"""Endpoints that index: a job is started, followed by events, and stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException

from ui.service.desk import Served, TheDesk
from ui.service.jobs import Job
from ui.service.responses import Job as JobFields

ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": JobFields}}
STARTED: dict[int | str, dict[str, Any]] = {202: {"model": JobFields}}
Number = Annotated[int, Path(ge=1, le=2**31, description="Number of a job.")]


async def _allowed(desk: TheDesk) -> None:
    if not desk.settings.index:
        raise HTTPException(403, "this service does not index; start it with --allow-index")


async def _known(id: Number, desk: TheDesk) -> Job:
    """The job of the address. Raises `NotThere` here: once a stream has begun, it is too late."""
    return desk.jobs.named(id)


Known = Annotated[Job, Depends(_known)]
router = APIRouter(tags=["indexing"], dependencies=[Depends(_allowed)])


@router.post("/index", status_code=202, responses=STARTED)
async def index(desk: TheDesk, served: Served) -> JSONResponse:
    """Start to bring the folders of a library up to date."""
    job = await desk.run(lambda: desk.jobs.start(served))
    return JSONResponse(await desk.job(job), 202, {"Location": f"/jobs/{job.id}"})


@router.get("/jobs/{id}", responses=ANSWER)
async def job(known: Known, desk: TheDesk) -> JSONResponse:
    """Report the progress of a job."""
    return JSONResponse(await desk.job(known))


@router.delete("/jobs/{id}", responses=ANSWER)
async def stop(id: Number, desk: TheDesk) -> JSONResponse:
    """Stop a job after its batch; what is finished is kept."""
    return JSONResponse(await desk.job(desk.jobs.stop(id)))


@router.get("/jobs/{id}/events", response_class=EventSourceResponse)
async def events(known: Known, desk: TheDesk) -> AsyncIterator[ServerSentEvent]:
    """Follow a job by server-sent events, each with the fields of the job, until it ends."""
    async for step in known.steps():
        fields = await desk.job(step)
        yield ServerSentEvent(data=fields, event=fields["state"])
