"""Responses, described for OpenAPI: the JSON that the command line prints with `--json`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Exact(BaseModel):
    """A response in which every field is described."""

    model_config = ConfigDict(extra="forbid")


class Named(_Exact):
    """A file: by its `name`, or with `--paths` by its `path`."""

    id: int | None = None
    name: str | None = Field(None, examples=["sandy-beach.jpg"])
    path: str | None = None
    path_base64: str | None = Field(None, description="The path, if it is not UTF-8.")


class SaidTerm(_Exact):
    """A term of a query as it was understood."""

    weight: float
    text: str | None = None
    picture: str | None = None
    share: float | None = Field(None, description="What it adds to a score.")


class SaidReading(_Exact):
    """A reading of words that could mean something else."""

    said: str
    meant: str | None
    instead: str | None
    language: str | None = Field(None, description="Its language, if it was read in English.")


class SaidQuery(_Exact):
    """A query as it was understood."""

    terms: list[SaidTerm]
    weight: float | None
    readings: list[SaidReading] | None = None


class SaidExplanation(_Exact):
    """Amounts that add up to a score."""

    picture: float | None
    caption: float | None
    taken_away: float | None
    marks: float | None
    text: float | None = None
    exact: bool
    terms: list[SaidTerm]


class FoundHit(Named):
    """A picture of an answer."""

    id: int
    rank: int
    score: float | None
    confidence: float | None = Field(description="Probability that this is what was asked for.")
    found_by: Literal["meaning", "words", "name", "filter"]
    doubtful: bool | None = None
    caption: str | None
    captions: list[str] | None = Field(None, description="All captions, if there are several.")
    image_score: float | None
    caption_score: float | None
    metadata: dict[str, Any] | None = None
    tags: dict[str, float] | None = None
    excerpt: str | None = None
    words: list[str] | None = None
    folded: int | None = None
    like: list[Named] | None = Field(None, description="Near-duplicates folded into this hit.")
    explanation: SaidExplanation | None = None


class UnknownWord(_Exact):
    """A word that the library does not know, and the word that may be meant."""

    word: str
    meant: str | None


class AwayFolder(Named):
    """A folder whose disk is not there."""

    pictures: int


class ReadDate(_Exact):
    """An ambiguous date of a condition, and how it was read."""

    text: str
    read_as: str


class FoundAnswer(_Exact):
    """The hits of a search, best first."""

    query: SaidQuery
    hits: list[FoundHit]
    present: float | None = Field(description="Probability that the library has it at all.")
    elapsed_ms: float
    next_offset: int | None = Field(description="Offset of the next page; null on the last one.")
    suggestion: str | None
    left_out: list[str] | None = None
    unread_by: str | None = None
    unknown: list[UnknownWord] | None = None
    dates: list[ReadDate] | None = None
    away: list[AwayFolder] | None = None


class Ids(_Exact):
    """Ids of pictures, in the order of browsing."""

    ids: list[int]


class Embeddings(_Exact):
    """Unit rows of texts and of pictures, in the order in which they were sent."""

    model: str = Field(examples=["mini"])
    fingerprint: str
    dim: int
    texts: list[list[float]]
    pictures: list[list[float]]


class PictureFacts(Named):
    """Facts that a library knows of a picture."""

    id: int
    content_hash: str
    width: int | None
    height: int | None
    captions: list[str]
    tags: dict[str, float]
    metadata: dict[str, Any]
    links: dict[str, str] = Field(description="Addresses of its thumbnail, view and original.")


class ServedLibraries(_Exact):
    """The libraries of a service; the first one answers where none is named."""

    libraries: list[str]


class Tags(_Exact):
    """The tags of a library, with numbers of pictures."""

    tags: dict[str, int]


class Filters(_Exact):
    """The fields of `where`, each with its meaning and operators."""

    fields: dict[str, dict[str, Any]]
    language: str


class Health(_Exact):
    """A sign of life."""

    status: Literal["ok"]
    version: str


class Job(_Exact):
    """A run of indexing."""

    id: int
    state: Literal["running", "done", "stopped", "failed"]
    done: int
    total: int
    what: str
    added: int
    changed: int
    removed: int
    failed: int
    error: str | None
