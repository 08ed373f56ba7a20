"""A record: all that is known of one picture, outside any library."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.values import MISSING

Row: TypeAlias = NDArray[np.float16]  # (dim,), of unit length


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """A caption, whether the picture itself carries it (`embedded`), and its embedding."""

    text: str
    source: str
    embedded: bool
    v_t: Row | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FactRecord:
    """A fact that a source says of a picture; `origin` is carried, beside or derived."""

    field: str
    value: str
    source: str
    origin: str


@dataclass(frozen=True, slots=True)
class ReadingRecord:
    """The text that `models` read in a picture; `reason` says why it could not be read."""

    text: str
    models: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """A picture's row of a catalogue with its captions, facts, text and embeddings.

    `folder` is an absolute path or a URI, `relative` the path below it, both as bytes. From `size`
    to `reason`, the fields are columns of the table of pictures (`indexer/catalogue/schema.py`).
    Captions beside the picture come before those that it carries; facts stand in the order of their
    origins. `v_i` is None for a picture that could not be read. Two records are equal if all but
    their embeddings are: these follow from the contents.
    """

    folder: bytes
    relative: bytes
    size: int
    mtime_ns: int
    content_hash: bytes | None = None
    pixels_hash: bytes | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    taken: str | None = None
    taken_last: str | None = None
    taken_source: str | None = None
    camera: str | None = None
    lens: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    place_source: str | None = None
    rating: int | None = None
    metadata_version: int | None = None
    perceptual_hash: bytes | None = None
    state: str
    reason: str | None = None
    captions: tuple[CaptionRecord, ...] = ()
    facts: tuple[FactRecord, ...] = ()
    reading: ReadingRecord | None = None
    v_i: Row | None = field(default=None, compare=False, repr=False)

    @property
    def columns(self) -> dict[str, object]:
        """The columns of the table of pictures, from the relative path to the reason."""
        return {name: getattr(self, name) for name in COLUMNS}

    @property
    def rank(self) -> tuple[int, bool]:
        """The rank among records of one file: by time of change; one that was there is ahead."""
        return self.mtime_ns, self.state != MISSING


_APART = {"folder", "captions", "facts", "reading", "v_i"}  # columns of other tables
COLUMNS = tuple(each.name for each in fields(PictureRecord) if each.name not in _APART)
