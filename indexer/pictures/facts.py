"""The facts that a picture's bytes tell, whatever its name: the one list of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from indexer.captions import Caption
from indexer.pictures.exif import Exif

_NO_EXIF = Exif()


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """Facts from a picture's bytes; `reason` if they could not be read.

    `width` and `height` are pixels of the upright picture in the file, `format` is Pillow's name,
    `pixels_hash` covers the pixels that the encoder sees and their transform.
    """

    width: int | None = None
    height: int | None = None
    format: str | None = None
    exif: Exif = _NO_EXIF
    perceptual_hash: bytes | None = None
    pixels_hash: bytes | None = None
    reason: str | None = None
    captions: tuple[Caption, ...] = field(default=(), kw_only=True)

    @property
    def columns(self) -> dict[str, Any]:
        """The facts that are columns of the table of pictures, by column."""
        own = {name: getattr(self, name) for name in _OWN}
        return own | {name: getattr(self.exif, name) for name in _EXIF}

    @classmethod
    def of_columns(
        cls, columns: Mapping[str, Any], captions: tuple[Caption, ...] = ()
    ) -> ContentFacts:
        """The facts out of the columns of the table of pictures, and the captions carried."""
        own = {name: columns[name] for name in _OWN}
        return cls(**own, exif=Exif(*(columns[name] for name in _EXIF)), captions=captions)


_EXIF = [each.name for each in fields(Exif)]
_OWN = [each.name for each in fields(ContentFacts) if each.name not in ("exif", "captions")]
COLUMNS = (*_OWN, *_EXIF)
