"""Picture files as pixels: read them, and decode them upright in sRGB.

A file is read once and whole: the hash needs all its bytes anyway, and no descriptor or half-read
file is left over. Anything wrong with a file becomes a `PictureError` with one line that says what
is wrong and what helps.
"""

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import pillow_heif
from PIL import Image, PngImagePlugin

from indexer.errors import PictureError
from indexer.pictures.formats import FORMATS
from indexer.pictures.limits import MAX_BYTES, MAX_MISSING, MAX_PIXELS
from indexer.pictures.reasons import READ_ERRORS, ends_early, reasons
from indexer.pictures.salvage import (
    MAX_PROFILE_BYTES,
    ended_jpegs,
    missing_share,
    without_broken_metadata,
)
from indexer.pictures.srgb import to_srgb

PictureSource: TypeAlias = str | bytes | Path | BinaryIO  # a path, or an open file

pillow_heif.register_heif_opener(thumbnails=False)
# Pillow's own limit is too low for a phone's camera; `open_picture` checks before decoding.
Image.MAX_IMAGE_PIXELS = None
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES  # room for a printer's colour profile

_ORIENTATION = 0x0112
_MISSING = "picfuse: missing"  # in the facts of an opened picture
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(source: PictureSource) -> bytes:
    """Return the bytes of a picture file; raise `PictureError` if it is empty or not a file."""
    content = _read_file(source) if isinstance(source, str | bytes | Path) else source.read()
    if not content:
        raise PictureError("empty file (copy it again from its source)")
    return content


def _read_file(path: str | bytes | Path) -> bytes:
    # A named pipe would block for ever, so it is opened without waiting and then rejected.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - bytes, and a descriptor
            state = os.fstat(file.fileno())
            if not stat.S_ISREG(state.st_mode):
                raise PictureError(READ_ERRORS[errno.EISDIR])
            if state.st_size > MAX_BYTES:
                raise PictureError(_too_large(state.st_size))
            return file.read()
    except OSError as error:
        reason = READ_ERRORS.get(error.errno or 0) or f"cannot be read: {error.strerror or error}"
        raise PictureError(reason) from error


def _too_large(size: int) -> str:
    limit = MAX_BYTES / 2**30
    return f"{size / 2**30:.1f} GiB is over the limit of {limit:g} GiB for a picture's file"


def open_picture(source: PictureSource, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open a picture without decoding it; raise `PictureError` if it is not one or too large."""
    content = read_picture(source)
    with reasons(content):
        image = _opened(content)
    width, height = image.size
    if width * height > max_pixels:
        raise PictureError(
            f"{width} x {height} pixels is over the limit of {max_pixels:,}"
            " (to index it anyway: --max-pixels)"
        )
    return image


def _opened(content: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(content), formats=FORMATS)
    except MemoryError:
        raise
    except Exception:
        sound = without_broken_metadata(content)
        if sound is None:
            raise
        return Image.open(io.BytesIO(sound), formats=FORMATS)


def decode(
    source: PictureSource, *, min_side: int = 0, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode the first frame of a picture, upright, in sRGB; raise `PictureError` if it is bad.

    A JPEG is decoded at the smallest of the scales 1/8 to 1/1 that leaves both sides at least
    `min_side` pixels long (0: full size).
    """
    return upright_rgb(open_picture(source, max_pixels=max_pixels), min_side=min_side)


def upright_rgb(image: Image.Image, *, min_side: int = 0) -> Image.Image:
    """Decode an opened picture like `decode`; `image` keeps its metadata."""
    with reasons():
        upright = to_srgb(_loaded(image, min_side))
        transposition = turn_of(image)
        if transposition is not None:
            upright = upright.transpose(transposition)
    if upright is not image:
        upright.info = {}  # else a rotated picture would still claim its old orientation
    return upright


def _loaded(image: Image.Image, min_side: int) -> Image.Image:
    """Decode the pixels; a JPEG may lack its end."""
    if min_side:
        image.draft(None, (min_side, min_side))
    try:
        image.load()
    except OSError as error:
        whole = _ended(image, min_side) if ends_early(str(error)) else None
        if whole is None:
            raise
        return whole
    return image


def _ended(image: Image.Image, min_side: int) -> Image.Image | None:
    """Decode a JPEG that lacks its end; None if it lacks too much, or is not a JPEG.

    `image` notes the share that it lacks, for `missing_of`.
    """
    file = getattr(image, "fp", None)
    if image.format not in ("JPEG", "MPO") or not isinstance(file, io.BytesIO):
        return None
    content = file.getvalue()
    plain, padded = (_drafted(ended, min_side) for ended in ended_jpegs(content))
    rows = [np.asarray(one).reshape(one.height, -1) for one in (plain, padded)]
    differing = np.flatnonzero((rows[0] != rows[1]).any(axis=1))
    if len(differing):
        progressive, grey = "progressive" in image.info, len(image.getbands()) == 1
        sound = int(differing[0]) / plain.height
        share = missing_share(content, sound, progressive=progressive, grey=grey)
        if share > MAX_MISSING:
            return None
        image.info[_MISSING] = share
    return plain


def turn_of(image: Image.Image) -> Image.Transpose | None:
    """The turn that brings an opened picture upright; None if it is so."""
    return _TRANSPOSITIONS.get(_orientation(image))


def missing_of(image: Image.Image) -> float:
    """The share of a picture's file that is missing at its end, once it was decoded; mostly 0."""
    return float(image.info.get(_MISSING, 0.0))


def _drafted(content: bytes, min_side: int) -> Image.Image:
    image = Image.open(io.BytesIO(content), formats=("JPEG",))
    if min_side:
        image.draft(None, (min_side, min_side))
    image.load()
    return image


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Return width and height as a viewer shows them; call it before the picture is decoded."""
    if image.format == "PNG":  # its EXIF may come after its pixels
        with reasons():
            image.load()
    width, height = image.size
    # Pillow turns TIFFs by itself, including their size.
    sideways = image.format != "TIFF" and _orientation(image) >= 5
    return (height, width) if sideways else (width, height)


def _orientation(image: Image.Image) -> int:
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken EXIF takes many forms, and none of them spoils the pixels
        return 1
    return orientation if orientation in _TRANSPOSITIONS else 1
