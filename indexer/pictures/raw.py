"""RAW files of cameras: the JPEG inside that the camera made, or the sensor's data by LibRaw.

Makers keep previews in many places. A JPEG can be told from everything else by its segments, so all
of the file is looked through and the largest one is taken.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from PIL import Image

from indexer.errors import PictureError
from indexer.kinds.extras import RAW_EXTRA
from indexer.pictures.optional import has_decoder, missing_decoder
from indexer.pictures.quiet import quietly

FORMAT = "RAW"
WITHOUT_PREVIEW = "RAW without a preview"

_LEAST_SIDE = 200  # pixels of a preview's longest side; a smaller one is taken if nothing else is
_JPEG, _START_OF_SCAN = b"\xff\xd8\xff", 0xDA
_FRAMES = (0xC0, 0xC1, 0xC2)  # those that viewers read; the sensor's data are another kind of JPEG
_MAX_SEGMENTS = 64
_TIFF = {b"II": b"II*\0", b"MM": b"MM\0*"}
_MAKE, _ORIENTATION, _XMP = 0x010F, 0x0112, 0x02BC
_TAGS = (0x010E, _MAKE, 0x0110, _ORIENTATION, 0x0131, 0x0132, 0x013B, 0x8298)  # texts and dates
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_REDUCED, _NEW_SUBFILE_TYPE, _DNG_VERSION, _SUB_IFDS = 1, 0x00FE, 0xC612, 0x014A
_PHOTOMETRIC = 0x0106
_SENSOR = (32803, 34892)  # colour filters, or light of the sensor


def is_raw(content: bytes, tags: Mapping[int, Any] | None = None) -> bool:
    """Whether a TIFF is the outside of a RAW file, by the tags of its first page."""
    if content[8:10] == b"CR":
        return True
    tags = _exif(content) if tags is None else tags
    camera = _MAKE in tags or tags.get(_NEW_SUBFILE_TYPE) == _REDUCED
    more = camera and _SUB_IFDS in tags
    return more or _DNG_VERSION in tags or tags.get(_PHOTOMETRIC) in _SENSOR


def open_raw(
    content: bytes, check_size: Callable[[int, int], None], page: Image.Image | None = None
) -> Image.Image:
    """Open the largest preview in a RAW file, with the metadata of the file.

    Without one, the sensor's data are decoded, or `page` is taken, what a TIFF shows of itself.
    `check_size` is asked with width and height before anything is decoded. Raises `PictureError`.
    """
    shown = [one for one in (_preview(content), page) if one is not None]
    best = max(shown, key=lambda one: one.width * one.height, default=None)
    if best is None or max(best.size) < _LEAST_SIDE:
        best = _decoded(content, check_size) or best
    if best is None:
        raise missing_decoder(WITHOUT_PREVIEW, RAW_EXTRA)
    if best is page:
        return best
    check_size(*best.size)
    with suppress(Exception):  # metadata are broken in many ways, and none of them spoils pixels
        _describe(best, content)
    best.format = FORMAT
    return best


def _preview(content: bytes) -> Image.Image | None:
    found = sorted(_jpegs(content), reverse=True)
    for _, place in found[:4]:
        with suppress(Exception):
            return Image.open(io.BytesIO(content[place:]), formats=("JPEG",))
    return None


def _jpegs(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the number of pixels and the place of each JPEG that viewers could show."""
    place = content.find(_JPEG)
    while place >= 0:
        if pixels := _pixels_at(content, place):
            yield pixels, place
        place = content.find(_JPEG, place + len(_JPEG))


def _pixels_at(content: bytes, place: int) -> int:
    """The number of pixels of the JPEG that begins at a place; 0 if it is none to show."""
    at = place + 2
    for _ in range(_MAX_SEGMENTS):
        mark, kind = content[at : at + 1], content[at + 1 : at + 2]
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        if mark != b"\xff" or not kind or length < 2 or kind[0] in (0, _START_OF_SCAN):
            return 0
        if kind[0] in _FRAMES:
            bits, bands = content[at + 4 : at + 5], content[at + 9 : at + 10]
            if bits != b"\x08" or bands not in (b"\1", b"\3"):
                return 0
            height, width = (int.from_bytes(content[at + n : at + n + 2], "big") for n in (5, 7))
            return width * height
        if 0xC0 <= kind[0] <= 0xCF and kind[0] not in (0xC4, 0xC8, 0xCC):
            return 0
        at += 2 + length
    return 0


def _decoded(content: bytes, check_size: Callable[[int, int], None]) -> Image.Image | None:
    """The sensor's data at half their size, upright; None without a decoder for them."""
    if not has_decoder(RAW_EXTRA):
        return None
    import rawpy

    try:
        with quietly(), rawpy.imread(io.BytesIO(content)) as raw:
            check_size(raw.sizes.width, raw.sizes.height)
            image = Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True))
    except rawpy.LibRawError as error:
        raise PictureError(
            f"RAW that LibRaw cannot decode: {_text(error)} (copy it again from its source, or save"
            " it as DNG or JPEG)"
        ) from error
    image.getexif()[_ORIENTATION] = 1
    return image


def _text(error: Exception) -> str:
    first = error.args[0] if error.args else error
    return first.decode(errors="replace") if isinstance(first, bytes) else str(first)


def _describe(preview: Image.Image, content: bytes) -> None:
    """Add the metadata of a RAW file to those of a preview, which come first."""
    own = preview.getexif()
    for written in _exifs(content):
        for tag in _TAGS:
            if written.get(tag) is not None:
                own.setdefault(tag, written[tag])
        for directory in (_EXIF_IFD, _GPS_IFD):
            kept = own.get_ifd(directory)
            for tag, value in written.get_ifd(directory).items():
                kept.setdefault(tag, value)
        if isinstance(packet := written.get(_XMP), bytes):
            preview.info.setdefault("xmp", packet)


def _exifs(content: bytes) -> Iterator[Image.Exif]:
    """The directories of metadata in a RAW file."""
    if content[4:8] == b"ftyp":
        yield from _canon_exifs(content)
    elif content[:2] in _TIFF:
        yield _exif(_TIFF[content[:2]] + content[4:])


def _canon_exifs(content: bytes) -> Iterator[Image.Exif]:
    """Those of a CR3: the picture, the shot and the place, each as a small TIFF in a box."""
    for name, directory in ((b"CMT1", 0), (b"CMT2", _EXIF_IFD), (b"CMT4", _GPS_IFD)):
        place = content.find(name, 0, 1 << 20)
        if place >= 4:
            length = int.from_bytes(content[place - 4 : place], "big") - 8
            found = _exif(content[place + 4 : place + 4 + length])
            if directory:
                outer = Image.Exif()
                outer.get_ifd(directory).update(found)
                found = outer
            yield found


def _exif(tiff: bytes) -> Image.Exif:
    written = Image.Exif()
    written.load(tiff)
    return written
