"""Endpoints about a library: its state, tags, albums, duplicates, fields of conditions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from search.albums import album_pictures, named_album
from search.browsing.picked import picked_answer
from search.collection.opening import local
from search.duplicates import Tier, find_duplicates
from search.searcher import Searcher
from search.where import FIELDS
from ui.cli.commands.album import found_fields, listed_albums
from ui.cli.commands.album_picking import album_fields
from ui.cli.commands.duplicates import duplicate_fields
from ui.cli.commands.status import library_fields
from ui.cli.options.searching import WHERE
from ui.cli.output.text import hit_fields
from ui.service.desk import Served, TheDesk
from ui.service.questions import PictureReader, tag_counts
from ui.service.requests import HITS_TO_SKIP, MOST_HITS, NUMBER_OF_HITS
from ui.service.responses import Filters, ServedLibraries, Tags
from ui.service.served import NotThere

router = APIRouter(tags=["library"])


@router.get("/libraries", responses={200: {"model": ServedLibraries}})
async def libraries(desk: TheDesk) -> JSONResponse:
    """List the libraries by name."""
    return JSONResponse({"libraries": [served.name for served in desk.libraries]})


@router.get("/status")
async def status(desk: TheDesk, served: Served) -> JSONResponse:
    """Sum up the contents of a library, as `picfuse status --json`."""
    return await desk.answer(served, lambda searcher, _: library_fields(searcher.library))


@router.get("/tags", responses={200: {"model": Tags}})
async def tags(desk: TheDesk, served: Served) -> JSONResponse:
    """List the tags of a library, with numbers of pictures."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        return {"tags": tag_counts(searcher.library)}

    return await desk.answer(served, work)


@router.get("/filters", responses={200: {"model": Filters}})
async def filters() -> JSONResponse:
    """List the fields of `where`, with their meaning and operators."""
    fields = {
        name: {"meaning": field.meaning, "operators": list(field.operators)}
        for name, field in FIELDS.items()
    }
    return JSONResponse({"fields": fields, "language": WHERE})


@router.get("/albums")
async def albums(desk: TheDesk, served: Served) -> JSONResponse:
    """List the albums with their numbers of pictures, as `picfuse album --json`."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        return desk.without_folders({"albums": listed_albums(searcher)})

    return await desk.answer(served, work)


@router.get("/albums/{name:path}")
async def album(
    name: Annotated[str, Path(max_length=200, description="Name of an album.")],
    desk: TheDesk,
    served: Served,
    k: Annotated[int, Query(ge=1, le=MOST_HITS, description=NUMBER_OF_HITS)] = 50,
    offset: Annotated[int, Query(ge=0, le=10**9, description=HITS_TO_SKIP)] = 0,
) -> JSONResponse:
    """List pictures of an album, as `picfuse album NAME --json`, with the next offset."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        return desk.without_folders(_album_page(searcher, name, k, offset))

    return await desk.answer(served, work)


def _album_page(searcher: Searcher, name: str, k: int, offset: int) -> dict[str, Any]:
    """The JSON fields of an album with some of its pictures. Raises `NotThere`."""
    library = local(searcher.library)
    picked = library.picked.album(name)
    if picked is not None:
        answer = picked_answer(library, name, k=k, offset=offset)
        hits = [hit_fields(hit) for hit in answer.hits]
        return {**album_fields(picked), "hits": hits, "next_offset": answer.next_offset}
    if name not in library.albums.names():
        known = ", ".join([*library.picked.names(), *library.albums.names()]) or "none yet"
        raise NotThere(f"no album {name!r}; existing albums: {known}")
    shown = album_pictures(searcher, named_album(library, name), k=k, offset=offset)
    return {**found_fields(shown), "next_offset": shown.answer.next_offset}


@router.get("/duplicates")
async def duplicates(
    desk: TheDesk,
    served: Served,
    tier: Annotated[
        Literal["identical", "same", "similar"],
        Query(description="Likeness in a group: the same bytes, the same picture, or like it."),
    ] = "same",
) -> JSONResponse:
    """List groups of duplicates, the best copy first, as `picfuse duplicates --json`."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        found = find_duplicates(local(searcher.library), Tier(tier))
        return {"tier": tier, **duplicate_fields(found)}

    return await desk.answer(served, work)
