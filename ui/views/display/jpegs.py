"""Cards: pictures that the server itself shows, and their bytes as a browser can show them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.errors import PictureError
from indexer.pictures.hashes import hash_bytes
from indexer.pictures.images import decode, read_picture
from indexer.pictures.thumbnails import thumbnail_path
from ui.views.safe_text import browser_safe


@dataclass(frozen=True, slots=True)
class Card:
    """A picture of the library that the server itself shows."""

    picture_id: int
    path: Path
    captions: tuple[str, ...]
    thumbnail: Path

    @classmethod
    def of_picture(cls, picture: PictureInfo, thumbnails: Path) -> Card:
        """Card of a picture."""
        thumbnail = thumbnail_path(thumbnails, picture.content_hash)
        return cls(picture.id, picture.path, picture.captions, thumbnail)

    @property
    def said(self) -> str:
        """First caption, or the file name if there is none."""
        return browser_safe(self.captions[0] if self.captions else Path(self.path.name))

    def contents(self) -> bytes:
        """Bytes of the picture. Raises `PictureError` if the file has changed.

        The path may by now lead to a file that nobody added to the library.
        """
        content = read_picture(self.path)
        if hash_bytes(content).hex() != self.thumbnail.stem:
            raise PictureError("the file has changed since it was indexed; update its folder")
        return content


def jpeg(content: bytes, side: int) -> bytes:
    """JPEG of a picture, at most `side` pixels long. Raises `PictureError`."""
    image = decode(io.BytesIO(content), min_side=side)
    image.thumbnail((side, side))
    return as_jpeg(image)


def as_jpeg(image: Image.Image) -> bytes:
    """JPEG of an RGB picture."""
    with io.BytesIO() as buffer:
        image.save(buffer, "JPEG", quality=90)
        return buffer.getvalue()
