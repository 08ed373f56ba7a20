"""Endpoints about one picture."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from indexer.library.searchable import Searchable
from search.searcher import Searcher
from ui.cli.output.text import metadata_fields, path_fields, tag_fields, valid
from ui.service.desk import Served, TheDesk
from ui.service.questions import MISSING, PictureReader, picture_info
from ui.service.responses import PictureFacts
from ui.service.served import NotThere
from ui.web.endpoints import ALONE
from ui.web.pictures import LARGEST_ID, SIDE, attached, present, thumbnail_of, view_of

router = APIRouter(tags=["pictures"])
IMAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
FILE: dict[int | str, dict[str, Any]] = {200: {"content": {"application/octet-stream": {}}}}
PictureId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="`id` of a hit.")]


@router.get("/pictures/{id}", responses={200: {"model": PictureFacts}})
async def picture(id: PictureId, desk: TheDesk, served: Served) -> JSONResponse:
    """Tell the facts about a picture, with addresses of its images."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        return _picture_fields(searcher.library, id)

    return await desk.answer(served, work)


@router.get("/pictures/{id}/thumbnail", response_class=Response, responses=IMAGE)
async def thumbnail(id: PictureId, request: Request, desk: TheDesk, served: Served) -> Response:
    """Send the thumbnail of a picture, as JPEG."""

    def work(searcher: Searcher, reader: PictureReader) -> Response:
        content = _content_of(searcher.library, id)
        return thumbnail_of(searcher.library, request, id, content)

    return _alone(await desk.ask(served, work))


@router.get("/pictures/{id}/view", response_class=Response, responses=IMAGE)
async def view(
    id: PictureId,
    request: Request,
    desk: TheDesk,
    served: Served,
    side: Annotated[int, Query(ge=64, le=4096, description="Longer side in pixels.")] = SIDE,
) -> Response:
    """Send a picture upright in sRGB as JPEG, whatever its format."""

    def work(searcher: Searcher, reader: PictureReader) -> Response:
        content = _content_of(searcher.library, id)
        return view_of(searcher.library, request, id, content, side)

    return _alone(await desk.ask(served, work))


@router.get("/pictures/{id}/original", response_class=Response, responses=FILE)
async def original(id: PictureId, desk: TheDesk, served: Served) -> Response:
    """Send the file of a picture as it is."""

    def work(searcher: Searcher, reader: PictureReader) -> Response:
        _content_of(searcher.library, id)
        return attached(present(searcher.library, id))

    return _alone(await desk.ask(served, work))


def _alone(response: Response) -> Response:
    """A response that is asked for again after a while: an id may get other bytes."""
    response.headers.update({**ALONE, "Cache-Control": "private, no-cache"})
    return response


def _content_of(library: Searchable, key: int) -> bytes:
    """The hash of a picture's content. Raises `NotThere`."""
    content, _ = library.catalogue.hashes_of([key]).get(key, (None, None))
    if content is None:
        raise NotThere(MISSING.format(key))
    return content


def _picture_fields(library: Searchable, key: int) -> dict[str, Any]:
    """The JSON fields of a picture. Raises `NotThere`."""
    info = picture_info(library, key)
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
        "links": {name: f"/pictures/{key}/{name}" for name in ("thumbnail", "view", "original")},
    }
