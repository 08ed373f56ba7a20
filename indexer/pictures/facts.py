"""The facts that a picture's bytes tell, whatever its name: the one list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from indexer.captions import Caption
from indexer.metadata.fact import Fact


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """Facts from a picture's bytes; `reason` if they could not be read.

    `width` and `height` are pixels of the upright picture in the file, `format` is Pillow's name,
    `pixels_hash` covers the pixels that the encoder sees and their transform. `captions` and
    `metadata` are what its metadata say.
    """

    width: int | None = None
    height: int | None = None
    format: str | None = None
    perceptual_hash: bytes | None = None
    pixels_hash: bytes | None = None
    reason: str | None = None
    captions: tuple[Caption, ...] = field(default=(), kw_only=True)
    metadata: tuple[Fact, ...] = field(default=(), kw_only=True)

    @property
    def columns(self) -> dict[str, Any]:
        """The facts that are columns of the table of pictures, by column."""
        return {name: getattr(self, name) for name in COLUMNS}

    @classmethod
    def of_columns(cls, columns: Mapping[str, Any]) -> ContentFacts:
        """The facts out of the columns of the table of pictures, without metadata."""
        return cls(**{name: columns[name] for name in COLUMNS})


_SAID = ("captions", "metadata")
COLUMNS = tuple(each.name for each in fields(ContentFacts) if each.name not in _SAID)
