"""Thumbnails: small JPEGs named by the hash of the picture's bytes, each with its own checksum.

The 16 bytes of its BLAKE2b hash follow the end of the JPEG. Viewers ignore them, and a thumbnail
that was cut or changed can be recognised without any other file.
"""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.pictures.hashes import hash_bytes

if TYPE_CHECKING:
    from PIL import Image

THUMBNAIL_SIDE = 320
_DIGEST = 16
_HAMMING = 5  # `Image.Resampling.HAMMING`: as a number, so that naming a path loads no Pillow


def read_thumbnail(path: Path) -> bytes | None:
    """The JPEG of a thumbnail; None if it is missing or not as it was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    picture, digest = content[:-_DIGEST], content[-_DIGEST:]
    return picture if picture and hash_bytes(picture) == digest else None


def save_thumbnail(
    image: Image.Image, folder: Path, content_hash: bytes, side: int = THUMBNAIL_SIDE
) -> Path:
    """Write a JPEG of `image` (RGB), at most `side` pixels long, unless a sound one exists."""
    path = thumbnail_path(folder, content_hash)
    if read_thumbnail(path) is not None:
        return path
    content = _small_jpeg(image, side)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.{threading.get_ident()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.write_bytes(content + hash_bytes(content))
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def _small_jpeg(image: Image.Image, side: int) -> bytes:
    """An image as a JPEG of at most `side` pixels, never enlarged."""
    scale = min(1.0, side / max(image.size))
    width, height = (max(1, round(length * scale)) for length in image.size)
    small = image.resize((width, height), _HAMMING, reducing_gap=2.0)
    small.info = {}  # the place and the author of a picture stay in its file
    with io.BytesIO() as buffer:
        small.save(buffer, "JPEG", quality=80)
        return buffer.getvalue()


def thumbnail_path(folder: Path, content_hash: bytes) -> Path:
    """The path of a content's thumbnail below `folder`."""
    name = content_hash.hex()
    return folder / name[:2] / f"{name}.jpg"
