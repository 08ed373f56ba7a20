"""Picture files as pixels: read them, and decode them upright in sRGB.

A file is read once and whole: the hash needs all its bytes anyway, and no descriptor or half-read
file is left over. Anything wrong with a file becomes a `PictureError` with one line that says what
is wrong and what helps.
"""

import errno
import io
import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import pillow_heif
from PIL import Image, PngImagePlugin

from indexer.errors import PictureError
from indexer.kinds.members import facts_of, open_file
from indexer.kinds.signatures import HEAD_BYTES, JPEG_XL, RAW, kind_of
from indexer.pictures.colour_codes import ColourCodes, colour_codes
from indexer.pictures.formats import FORMATS
from indexer.pictures.frames import seek_most_telling
from indexer.pictures.jpeg_xl import FORMAT as JPEG_XL_FORMAT
from indexer.pictures.jpeg_xl import open_jpeg_xl
from indexer.pictures.limits import MAX_BYTES, MAX_MISSING, MAX_PIXELS
from indexer.pictures.quiet import quietly
from indexer.pictures.raw import is_raw, open_raw
from indexer.pictures.reasons import READ_ERRORS, ends_early, reasons
from indexer.pictures.salvage import (
    MAX_PROFILE_BYTES,
    ended_jpegs,
    missing_share,
    without_broken_metadata,
)
from indexer.pictures.srgb import CODES, to_srgb
from indexer.pictures.targa import is_targa

PictureSource: TypeAlias = str | bytes | Path | BinaryIO  # a path, or an open file

pillow_heif.register_heif_opener(thumbnails=False)
# Pillow's own limit is too low for a phone's camera; `open_picture` checks before decoding.
Image.MAX_IMAGE_PIXELS = None
PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE_BYTES  # room for a printer's colour profile

_CODED = ("HEIF", "AVIF", "PNG")  # formats that tell colours by code points
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
    try:
        try:
            return _read_regular(path)
        except NotADirectoryError:
            return _read_member(path)
    except OSError as error:
        reason = READ_ERRORS.get(error.errno or 0) or f"cannot be read: {error.strerror or error}"
        raise PictureError(reason) from error


def _read_regular(path: str | bytes | Path) -> bytes:
    """The bytes of a file that is no pipe, device or folder."""
    # A named pipe would block for ever, so it is opened without waiting and then rejected.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - bytes, and a descriptor
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise PictureError(READ_ERRORS[errno.EISDIR])
        _check_bytes(state.st_size)
        return file.read()


def _read_member(path: str | bytes | Path) -> bytes:
    """The bytes of a picture in an archive."""
    _check_bytes(facts_of(path).size)
    with open_file(path) as file:
        return file.read()


def _check_bytes(size: int) -> None:
    if size > MAX_BYTES:
        limit = MAX_BYTES / 2**30
        raise PictureError(
            f"{size / 2**30:.1f} GiB is over the limit of {limit:g} GiB for a picture's file"
        )


def open_picture(source: PictureSource, *, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open a picture at its most telling frame; raise `PictureError` if it is none or too large.

    Of most pictures nothing is decoded yet.
    """
    content = read_picture(source)
    check_size = partial(_check_size, max_pixels)
    with reasons(content):
        image = _opened(content, check_size)
        check_size(*image.size)
        seek_most_telling(image, check_size)
        if image.format in _CODED and (codes := colour_codes(content)) is not None:
            image.info[CODES] = codes
    return image


def _check_size(max_pixels: int, width: int, height: int) -> None:
    if width * height > max_pixels:
        raise PictureError(
            f"{width} x {height} pixels is over the limit of {max_pixels:,}"
            " (to index it anyway: --max-pixels)"
        )


def _opened(content: bytes, check_size: Callable[[int, int], None]) -> Image.Image:
    kind = kind_of(content[:HEAD_BYTES])
    if kind == JPEG_XL:
        return open_jpeg_xl(content, check_size)
    if kind == RAW:
        return open_raw(content, check_size)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except MemoryError:
        raise
    except Exception:
        if kind == "TIFF" and _is_raw(content):
            return open_raw(content, check_size)
        return _opened_anew(content)
    if image.format == "TIFF" and is_raw(content, getattr(image, "tag_v2", {})):
        return open_raw(content, check_size, image)
    return image


def _is_raw(content: bytes) -> bool:
    """Whether a TIFF that Pillow cannot open is a RAW; no if its tags are damaged, too."""
    try:
        return is_raw(content)
    except Exception:
        return False


def _opened_anew(content: bytes) -> Image.Image:
    """Open a file that no decoder accepts as it is. Raises the error of the decoders."""
    if is_targa(content):
        return Image.open(io.BytesIO(content), formats=("TGA",))
    return Image.open(io.BytesIO(without_broken_metadata(content) or content), formats=FORMATS)


def decode(
    source: PictureSource, *, min_side: int = 0, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """Decode a picture's most telling frame, upright, in sRGB; raise `PictureError` if it is bad.

    A JPEG is decoded at the smallest of the scales 1/8 to 1/1 that leaves both sides at least
    `min_side` pixels long (0: full size).
    """
    return upright_rgb(open_picture(source, max_pixels=max_pixels), min_side=min_side)


def upright_rgb(image: Image.Image, *, min_side: int = 0) -> Image.Image:
    """Decode an opened picture like `decode`; `image` keeps its metadata."""
    with reasons(_tiff_of(image)):
        upright = to_srgb(_reduced(_loaded(image, min_side), min_side))
        transposition = turn_of(image)
        if transposition is not None:
            upright = upright.transpose(transposition)
    if upright is not image:
        upright.info = {}  # else a rotated picture would still claim its old orientation
    return upright


def _tiff_of(image: Image.Image) -> bytes:
    """The bytes of an opened TIFF, which can be packed in ways that no decoder here unpacks."""
    file = getattr(image, "fp", None)
    return file.getvalue() if image.format == "TIFF" and isinstance(file, io.BytesIO) else b""


def _loaded(image: Image.Image, min_side: int) -> Image.Image:
    """Decode the pixels; a JPEG may lack its end."""
    if min_side:
        image.draft(None, (min_side, min_side))
    try:
        with quietly(image.format == "TIFF"):
            image.load()
    except OSError as error:
        whole = _ended(image, min_side) if ends_early(str(error)) else None
        if whole is None:
            raise
        return whole
    return image


def _reduced(image: Image.Image, min_side: int) -> Image.Image:
    """Scale down a large picture of wide colours: to convert all of its pixels takes seconds."""
    codes = image.info.get(CODES)
    factor = min(image.size) // (2 * min_side) if min_side else 1
    if factor < 2 or not (isinstance(codes, ColourCodes) and codes.differ):
        return image
    return image.reduce(factor)


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
    if image.format == JPEG_XL_FORMAT:  # its decoder has turned it
        return 1
    try:
        orientation = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # broken EXIF takes many forms, and none of them spoils the pixels
        return 1
    return orientation if orientation in _TRANSPOSITIONS else 1
