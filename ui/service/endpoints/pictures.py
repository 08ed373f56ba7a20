"""Endpoints about one picture."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from indexer.library.library import Library
from search.searcher import Searcher
from ui.cli.output.text import metadata_fields, path_fields, tag_fields, valid
from ui.service.desk import Served, TheDesk
from ui.service.questions import PictureReader
from ui.service.requests import LARGEST_ID
from ui.service.responses import PictureFacts
from ui.service.served import NotThere

router = APIRouter(tags=["pictures"])
PictureId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="`id` of a hit.")]


@router.get("/pictures/{id}", responses={200: {"model": PictureFacts}})
async def picture(id: PictureId, desk: TheDesk, served: Served) -> JSONResponse:
    """Tell what a library knows of a picture, with addresses of its images."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        return picture_fields(searcher.library, id)

    return desk.answer(await desk.ask(served, work))


def picture_fields(library: Library, key: int) -> dict[str, Any]:
    """The JSON fields of a picture. Raises `NotThere`."""
    info = library.catalogue.pictures([key]).get(key)
    if info is None:
        raise NotThere(f"no picture {key} in this library; ids come with the hits of a search")
    tags = library.tags.of([key]).get(key, {})
    return {
        "id": key,
        **path_fields(info.path),
        "content_hash": info.content_hash.hex(),
        "width": info.width,
        "height": info.height,
        "captions": [valid(caption) for caption in info.captions],
        "tags": tag_fields(tags),
        "metadata": metadata_fields(library.facts.of([key]).get(key, {})),
        "links": {},
    }
