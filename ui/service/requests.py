"""Requests: what clients send, checked and described for OpenAPI."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    EncodedBytes,
    EncoderProtocol,
    Field,
    model_validator,
)

from indexer.settings import DATE_ORDERS
from search.query.options import AUTO
from ui.web.pictures import LARGEST_ID

NUMBER_OF_HITS = "Most hits in the answer."
HITS_TO_SKIP = "Hits to skip: the `next_offset` of the answer before."
LIKE = "Pictures to find more like."
UNLIKE = "Pictures to find fewer like."
MOST_LETTERS = 4000  # of a query: far more than an encoder reads
MOST_HITS = 1000
MOST_TERMS = 64
MOST_TEXTS = 256  # that are embedded by one request

Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Name = Annotated[str, Field(max_length=200)]
Words = Annotated[str, Field(max_length=MOST_LETTERS)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)]
DateOrder = Literal["DMY", "MDY", "YMD"]
Mode = Literal["auto", "vector", "words"]


class _Base64(EncoderProtocol):
    """Base64 of which every letter counts: a broken one is no other picture."""

    @classmethod
    def decode(cls, data: bytes) -> bytes:
        """The bytes. Raises `ValueError`."""
        return b64decode(data, validate=True)

    @classmethod
    def encode(cls, value: bytes) -> bytes:
        """The letters."""
        return b64encode(value)

    @classmethod
    def get_json_format(cls) -> str:
        """The name of the format in JSON schema."""
        return "base64"


class _Strict(BaseModel):
    """A request in which a misspelt field is an error."""

    model_config = ConfigDict(extra="forbid")


class SentPicture(_Strict):
    """A picture: one of the library by its id, the bytes of a file in base64, or a URL."""

    id: Id | None = None
    data: Annotated[bytes, EncodedBytes(encoder=_Base64)] | None = None
    url: Annotated[str, Field(max_length=2000, pattern="^https?://")] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(part is not None for part in (self.id, self.data, self.url)) != 1:
            raise ValueError("give one of id, data and url")
        return self


class SentTerm(_Strict):
    """A part of a query: words, or a picture; a negative weight subtracts it."""

    text: Words = ""
    literal: Annotated[bool, Field(description="Whether words are read in English only.")] = False
    picture: SentPicture | None = None
    weight: Finite = 1.0

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.text.strip()) == (self.picture is not None):
            raise ValueError("give either text or picture")
        return self


class Restrictions(_Strict):
    """Limits on the pictures that are found, and on their number."""

    k: Annotated[int, Field(ge=1, le=MOST_HITS, description=NUMBER_OF_HITS)] = 10
    offset: Annotated[int, Field(ge=0, le=10**9, description=HITS_TO_SKIP)] = 0
    where: Annotated[
        str | None,
        Field(max_length=MOST_LETTERS, description="Condition, as `picfuse search --where`."),
    ] = None
    tags: Annotated[list[Name], Field(max_length=32, description="Tags that all hits have.")] = []
    date_order: Annotated[
        DateOrder, Field(description="Order of day, month and year of numeric dates in `where`.")
    ] = DATE_ORDERS[0]  # type: ignore[assignment]
    fold: Annotated[bool, Field(description="Whether near-duplicates form one hit.")] = True


class _Ranked(Restrictions):
    """Options of every search that ranks by likeness."""

    weight: Annotated[
        Share | None,
        Field(description="Weight of the picture against its caption; null: the library's."),
    ] = None
    exclude: Annotated[list[Id], Field(max_length=MOST_HITS, description="Ids to leave out.")] = []
    diverse: Annotated[Share, Field(description="How much hits differ; 0: as they come.")] = 0.0
    least: Annotated[Finite | None, Field(description="Lowest score of a hit.")] = None
    explain: Annotated[bool, Field(description="Whether hits explain their score.")] = False
    asked_first: Annotated[
        bool,
        Field(description="Whether pictures of the query come first; else they are left out."),
    ] = False
    all: Annotated[bool, Field(description="Whether doubtful hits are listed too.")] = False


class Asked(_Ranked):
    """Options of a search by a query."""

    query: Annotated[
        Words | None,
        Field(description='Words in the grammar of `picfuse search`: `dog -snow`, `"red car"`.'),
    ] = None
    literal: Annotated[bool, Field(description="Whether `query` is one text as it is.")] = False
    mode: Annotated[
        Mode, Field(description="By meaning (vector), by words, or words for names only (auto).")
    ] = AUTO  # type: ignore[assignment]
    min_confidence: Annotated[
        Share | None, Field(description="Lowest confidence of a hit, instead of hiding doubt.")
    ] = None


class SearchRequest(Asked):
    """A search by words, by pictures, by both, or by conditions alone."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"query": "a dog in the snow", "k": 5},
                {"query": "a dog -snow", "where": "taken: 2021 and has: place", "explain": True},
                {"terms": [{"picture": {"id": 1}}, {"text": "at night", "weight": 0.5}]},
                {"tags": ["joyful"], "k": 20, "offset": 20},
            ]
        }
    )

    terms: Annotated[list[SentTerm], Field(max_length=MOST_TERMS)] = []
    like: Annotated[list[SentPicture], Field(max_length=MOST_TERMS, description=LIKE)] = []
    unlike: Annotated[list[SentPicture], Field(max_length=MOST_TERMS, description=UNLIKE)] = []


class SimilarRequest(_Ranked):
    """A search for pictures like one of the library."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": 1, "k": 5}]})

    id: Id
    like: Annotated[list[SentPicture], Field(max_length=MOST_TERMS, description=LIKE)] = []
    unlike: Annotated[list[SentPicture], Field(max_length=MOST_TERMS, description=UNLIKE)] = []


class IdsRequest(_Strict):
    """Conditions on the pictures whose ids are listed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"where": "taken: 2021"}]})

    where: Annotated[str | None, Field(max_length=MOST_LETTERS)] = None
    tags: Annotated[list[Name], Field(max_length=32)] = []
    date_order: DateOrder = DATE_ORDERS[0]  # type: ignore[assignment]


class ExplainRequest(_Strict):
    """A picture and the query that its score is explained for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": 1, "query": "a dog"}]})

    id: Id
    query: Annotated[Words, Field(min_length=1)]
    literal: bool = False
    weight: Share | None = None


class EmbedRequest(_Strict):
    """Texts and pictures to turn into rows of the library's space."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"texts": ["a dog in the snow", "a red boat"]}]}
    )

    texts: Annotated[list[Words], Field(max_length=MOST_TEXTS)] = []
    pictures: Annotated[list[SentPicture], Field(max_length=MOST_TERMS)] = []
