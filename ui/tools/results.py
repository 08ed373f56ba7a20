"""Results of the tools: small enough to be read by a model, and paged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field, SerializerFunctionWrapHandler, model_serializer

from search.answer.hits import Answer, Hit
from search.browsing.facets import Facet
from ui.cli.output.text import valid
from ui.sentences import (
    explanation_lines,
    left_out_message,
    reading_message,
    unknown_words_message,
    unread_message,
)

LONGEST = 300  # letters of a caption
MOST_TAGS = 5
MOST_NAMES = 50  # of people, places and tags
_DETAILS = ("taken", "place", "people", "rating", "title")


class _Small(BaseModel):
    """A result without the fields that say nothing and need not be there."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler):  # type: ignore[no-untyped-def]  # noqa: ANN202
        # Without an annotation of its result, the schema stays that of the fields.
        fields = type(self).model_fields
        return {
            name: value
            for name, value in handler(self).items()
            if fields[name].is_required() or value not in (None, [], {})
        }


class FoundPicture(_Small):
    """A picture; other tools take its `id`."""

    id: int
    name: str
    confidence: float | None = Field(
        None, description="Probability that this is what was asked for; null if not known."
    )
    caption: str | None = None
    details: dict[str, Any] = Field(default_factory=dict, description="When, where, who.")
    tags: list[str] = Field(default_factory=list)
    text: str | None = Field(None, description="Text read in the picture that matches.")
    alike: list[int] = Field(default_factory=list, description="Ids of near-duplicates.")
    uri: str = Field(description="Resource with the image.")


class FoundPage(_Small):
    """A page of pictures, best first."""

    pictures: list[FoundPicture]
    next_offset: int | None = Field(description="Pass as `offset` for more; null at the end.")
    present: float | None = Field(
        None, description="Probability that the library has it at all; null if not known."
    )
    notes: list[str] = Field(
        default_factory=list, description="How the query was read, and other readings of it."
    )


class Explained(_Small):
    """The reasons for the score of a picture."""

    id: int
    name: str
    score: float | None
    confidence: float | None = None
    caption: str | None = None
    reasons: list[str] = Field(
        description="Shares of picture, caption and each term in the score, as signed numbers."
    )


class FieldsPage(BaseModel):
    """The language of `where`, and values that this library has."""

    language: str
    fields: dict[str, str]
    tags: list[str]
    people: list[str]
    places: list[str]


class StatusPage(_Small):
    """Contents of a library, in numbers."""

    library: str
    libraries: list[str]
    pictures: int
    captions: int
    missing: int
    model: str
    metadata: dict[str, int] = Field(
        default_factory=dict, description="Number of pictures that tell each fact."
    )
    tags: dict[str, int] = Field(default_factory=dict)
    folders: list[str]
    may_save_albums: bool


class AlbumLine(_Small):
    """An album: picked pictures, or a saved search."""

    name: str
    pictures: int | None
    problem: str | None = None


class AlbumList(BaseModel):
    """The albums of a library."""

    albums: list[AlbumLine]


def page_of(answer: Answer, library: str) -> FoundPage:
    """The page of an answer."""
    return FoundPage(
        pictures=[picture_of(hit, library) for hit in answer.hits],
        next_offset=answer.next_offset,
        present=_rounded(answer.probability_present),
        notes=_notes(answer),
    )


def picture_of(hit: Hit, library: str) -> FoundPicture:
    """A hit as a model sees it."""
    return FoundPicture(
        id=hit.picture_id,
        name=valid(hit.path.name),
        confidence=_rounded(hit.confidence),
        caption=_short(hit.caption),
        details={key: hit.metadata[key] for key in _DETAILS if key in hit.metadata},
        tags=[valid(tag) for tag in list(hit.tags or {})[:MOST_TAGS]],
        text=_short(hit.excerpt),
        alike=[picture.id for picture in hit.folded],
        uri=uri_of(library, hit.picture_id),
    )


def explained(hit: Hit) -> Explained:
    """The reasons of a hit."""
    reasons = [] if hit.explanation is None else explanation_lines(hit.explanation)
    return Explained(
        id=hit.picture_id,
        name=valid(hit.path.name),
        score=_rounded(hit.score),
        confidence=_rounded(hit.confidence),
        caption=_short(hit.caption),
        reasons=[valid(reason) for reason in reasons],
    )


def uri_of(library: str, key: int) -> str:
    """The address of a picture as a resource."""
    return f"picfuse://{library}/pictures/{key}"


def _notes(answer: Answer) -> list[str]:
    notes = [reading_message(one, "write words in double quotes") for one in answer.query.readings]
    notes += [] if not answer.unknown else [unknown_words_message(answer.unknown)]
    notes += [] if answer.unread_by is None else [unread_message(answer.unread_by)]
    notes += [left_out_message(text) for text in answer.left_out]
    notes += [f"did you mean: {answer.suggestion}"] if answer.suggestion else []
    notes += [] if answer.hits else ["nothing matched; try other words, or include_doubtful"]
    return [valid(note) for note in notes]


def _short(text: str | None) -> str | None:
    if text is None:
        return None
    text = valid(" ".join(text.split()))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3) + 0.0  # never -0.0


def names_of(facets: Sequence[Facet]) -> list[str]:
    """Names to filter by, the most frequent first."""
    return [valid(facet.name) for facet in facets[:MOST_NAMES]]
