"""Endpoints that search: by words and pictures, by likeness, by conditions; and embeddings."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import JSONResponse
from pydantic import Field

from search.answer.hits import Answer
from search.searcher import Searcher
from ui.cli.output.answers import complete_answer_fields
from ui.cli.output.text import hit_fields
from ui.service.desk import Desk, Served, TheDesk
from ui.service.questions import PictureReader, explained, picture_info, search, similar
from ui.service.requests import (
    LIKE,
    MOST_TERMS,
    UNLIKE,
    Asked,
    EmbedRequest,
    ExplainRequest,
    IdsRequest,
    SearchRequest,
    SentPicture,
    SentTerm,
    SimilarRequest,
)
from ui.service.responses import Embeddings, FoundAnswer, FoundHit, Ids

router = APIRouter(tags=["search"])
ANSWER: dict[int | str, dict[str, Any]] = {200: {"model": FoundAnswer}}
_FILES = ("picture", "like", "unlike")
_FEW: Any = Field(default_factory=list, max_length=MOST_TERMS)


class SearchForm(Asked):
    """The same search as a form, with the files of pictures."""

    picture: Annotated[list[UploadFile], File(description="Pictures of the query."), _FEW]
    like: Annotated[list[UploadFile], File(description=LIKE), _FEW]
    unlike: Annotated[list[UploadFile], File(description=UNLIKE), _FEW]


@router.post("/search", responses=ANSWER)
async def search_pictures(asked: SearchRequest, desk: TheDesk, served: Served) -> JSONResponse:
    """Find pictures by words, by pictures, by both, or by conditions alone."""
    return await _searched(asked, desk, served)


@router.post("/search/upload", responses=ANSWER)
async def search_by_upload(
    form: Annotated[SearchForm, Form(media_type="multipart/form-data")],
    desk: TheDesk,
    served: Served,
) -> JSONResponse:
    """Find pictures by the files of a form, with words and conditions beside them."""
    files = {name: [await file.read() for file in getattr(form, name)] for name in _FILES}
    return await _searched(_request_of(form, files), desk, served)


def _request_of(form: SearchForm, files: dict[str, list[bytes]]) -> SearchRequest:
    """The request that a form makes."""
    sent = {
        name: [SentPicture.model_construct(id=None, data=content, url=None) for content in contents]
        for name, contents in files.items()
    }
    request = SearchRequest(**form.model_dump(exclude=set(_FILES)))
    terms = [
        SentTerm.model_construct(text="", picture=picture, weight=1.0)
        for picture in sent["picture"]
    ]
    return request.model_copy(
        update={"terms": terms, "like": sent["like"], "unlike": sent["unlike"]}
    )


@router.post("/similar", responses=ANSWER)
async def similar_pictures(asked: SimilarRequest, desk: TheDesk, served: Served) -> JSONResponse:
    """Find pictures like one of the library."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        picture_info(searcher.library, asked.id)
        return _fields(searcher, similar(searcher, asked, reader), asked)

    return await desk.answer(served, work)


@router.post("/explain", responses={200: {"model": FoundHit}})
async def explain(asked: ExplainRequest, desk: TheDesk, served: Served) -> JSONResponse:
    """Explain the score of one picture for a query."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        return hit_fields(explained(searcher, asked))

    return await desk.answer(served, work)


@router.post("/ids", responses={200: {"model": Ids}})
async def matching_ids(asked: IdsRequest, desk: TheDesk, served: Served) -> JSONResponse:
    """List the ids of all pictures that conditions and tags allow, without reading them."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        ids = searcher.matching_ids(where=asked.where, tags=asked.tags, date_order=asked.date_order)
        return {"ids": ids.tolist()}

    return await desk.answer(served, work)


@router.post("/embed", responses={200: {"model": Embeddings}})
async def embed(asked: EmbedRequest, desk: TheDesk, served: Served) -> JSONResponse:
    """Turn texts and pictures into unit rows; the product of two rows is their likeness."""

    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        encoder = searcher.library.encoder
        texts = encoder.encode_texts(asked.texts)
        rows = [
            reader.example(picture, f"pictures.{number}").row
            for number, picture in enumerate(asked.pictures)
        ]
        return {
            "model": encoder.name,
            "fingerprint": encoder.fingerprint,
            "dim": encoder.dim,
            "texts": texts.tolist(),
            "pictures": [row.tolist() for row in rows],
        }

    return await desk.answer(served, work)


async def _searched(asked: SearchRequest, desk: Desk, served: Served) -> JSONResponse:
    def work(searcher: Searcher, reader: PictureReader) -> dict[str, Any]:
        return _fields(searcher, search(searcher, asked, reader), asked)

    return await desk.answer(served, work)


def _fields(
    searcher: Searcher, answer: Answer, asked: SearchRequest | SimilarRequest
) -> dict[str, Any]:
    return complete_answer_fields(searcher.library, answer, asked.where, asked.date_order)
