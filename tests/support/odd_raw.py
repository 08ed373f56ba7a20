"""RAW files made by script: a DNG with the data of a sensor, and with a preview or without."""

from __future__ import annotations

import io
import struct

import numpy as np
from PIL import Image, ImageColor

SIDE = 480  # of a preview; the sensor's data are 64 pixels wide and 48 high
_WIDTH, _HEIGHT = 64, 48
_BYTE, _TEXT, _SHORT, _LONG, _RATIONAL, _SRATIONAL = 1, 2, 3, 4, 5, 10
_SIZES = {_BYTE: 1, _TEXT: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8, _SRATIONAL: 8}
Field = tuple[int, int, bytes]  # tag, type, value


def raw(
    colour: str = "red",
    *,
    preview: int | None = SIDE,
    orientation: int = 1,
    thumbnail: bool = False,
) -> bytes:
    """Make a DNG of one colour, with a JPEG of `preview` pixels as a camera puts it somewhere.

    With a `thumbnail`, the first page is a tiny picture and the sensor's data are below it.
    """
    sensor = _sensor(colour)
    jpeg = b"" if preview is None else _jpeg(colour, preview)
    start = 8
    own = [
        short(274, orientation),
        text(271, "Maker"),
        text(272, "Model One"),
        (50706, _BYTE, bytes([1, 4, 0, 0])),
        text(50708, "Maker Model One"),
    ]
    if thumbnail:
        small = np.full((8, 12, 3), ImageColor.getrgb(colour), np.uint8).tobytes()
        page = [
            long(254, 1), short(256, 12), short(257, 8), short(258, 8, 8, 8), short(259, 1),
            short(262, 2), short(277, 3), short(278, 8), long(279, len(small)),
        ]  # fmt: skip
        first = _directory([*page, *own, long(273, 0), long(330, 0)], start)
        below = start + len(first)
        pixels = below + len(_directory(_data_fields(0, len(sensor)), below))
        first = _directory([*page, *own, long(273, pixels + len(sensor)), long(330, below)], start)
        second = _directory(_data_fields(pixels, len(sensor)), below)
        return b"II*\0" + struct.pack("<I", start) + first + second + sensor + small + jpeg
    pixels = start + len(_directory([*own, *_data_fields(0, len(sensor))], start))
    first = _directory([*own, *_data_fields(pixels, len(sensor))], start)
    return b"II*\0" + struct.pack("<I", start) + first + sensor + jpeg


def _jpeg(colour: str, side: int) -> bytes:
    with io.BytesIO() as buffer:
        Image.new("RGB", (side, side * 3 // 4), colour).save(buffer, "JPEG", quality=95)
        return buffer.getvalue()


def _sensor(colour: str) -> bytes:
    """The values of a sensor with filters in red, green, green and blue."""
    red, green, blue = (60_000 * value // 255 for value in ImageColor.getrgb(colour))
    cells = np.array([[red, green], [green, blue]], "<u2")
    return np.tile(cells, (_HEIGHT // 2, _WIDTH // 2)).tobytes()


def _data_fields(place: int, size: int) -> list[Field]:
    matrix = (1, 0, 0, 0, 1, 0, 0, 0, 1)
    return [
        long(254, 0), short(256, _WIDTH), short(257, _HEIGHT), short(258, 16), short(259, 1),
        short(262, 32803), long(273, place), short(277, 1), short(278, _HEIGHT), long(279, size),
        short(33421, 2, 2), (33422, _BYTE, bytes([0, 1, 1, 2])), long(50717, 65535),
        (50721, _SRATIONAL, b"".join(struct.pack("<ii", n, 1) for n in matrix)),
        (50728, _RATIONAL, struct.pack("<6I", *(1, 1) * 3)), short(50778, 21),
    ]  # fmt: skip


def short(tag: int, *values: int) -> Field:
    """A field of numbers of 16 bits."""
    return tag, _SHORT, struct.pack(f"<{len(values)}H", *values)


def long(tag: int, *values: int) -> Field:
    """A field of numbers of 32 bits."""
    return tag, _LONG, struct.pack(f"<{len(values)}I", *values)


def text(tag: int, value: str) -> Field:
    """A field of letters."""
    return tag, _TEXT, value.encode() + b"\0"


def _directory(fields: list[Field], place: int) -> bytes:
    """A directory of a TIFF at a place, followed by the values that do not fit into it."""
    entries, rest = b"", b""
    behind = place + 2 + 12 * len(fields) + 4
    for tag, kind, value in sorted(fields):
        count = len(value) // _SIZES[kind]
        if len(value) <= 4:
            entries += struct.pack("<HHI4s", tag, kind, count, value)
        else:
            entries += struct.pack("<HHII", tag, kind, count, behind + len(rest))
            rest += value + b"\0" * (len(value) % 2)
    return struct.pack("<H", len(fields)) + entries + bytes(4) + rest
