"""Pictures that the server itself shows, as JPEG."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.pictures.images import decode
from ui.views.safe_text import browser_safe
from ui.web.pictures import as_jpeg, contents

_LARGE = 2560  # pixels of the longer side: more than a screen shows


def large_image(picture: PictureInfo) -> Image.Image:
    """Pixels of a picture of the library, as many as a screen shows. Raises `PictureError`."""
    return _image(contents(picture), _LARGE)


def alt_of(picture: PictureInfo) -> str:
    """Text that stands for a picture: its first caption, or else its file name."""
    return browser_safe(picture.captions[0] if picture.captions else Path(picture.path.name))


def jpeg(content: bytes, side: int) -> bytes:
    """JPEG of a picture, at most `side` pixels long. Raises `PictureError`."""
    return as_jpeg(_image(content, side))


def _image(content: bytes, side: int) -> Image.Image:
    image = decode(io.BytesIO(content), min_side=side)
    image.thumbnail((side, side))
    return image
