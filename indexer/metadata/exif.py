"""EXIF: dates, place, camera, lens, rating, descriptions and comments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from PIL import Image

from indexer.metadata.comments import commented
from indexer.metadata.dates import moment_of
from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.keywords import keyword_facts
from indexer.metadata.points import degrees_in, point, signed
from indexer.metadata.prompts import is_prompt
from indexer.metadata.ratings import rating_facts, rating_of_percent, rating_of_stars
from indexer.metadata.texts import decoded, tidied

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_DESCRIPTION, _MAKE, _MODEL, _COMMENT = 0x010E, 0x010F, 0x0110, 0x9286
_RATING, _RATING_PERCENT = 0x4746, 0x4749
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS, _XP_SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F
_LENS_MAKE, _LENS_MODEL = 0xA433, 0xA434
_DATES = ((0x9003, "original"), (0x9004, "digitised"), (0x0132, "modified"))
_LATITUDE, _LONGITUDE = (1, 2), (3, 4)  # tags of the reference and of the value
_GPS_TIME, _GPS_DATE = 7, 29
_CHARACTER_CODE = 8  # bytes at the start of a comment that name its character set
SOURCE = "exif"


def exif_facts(written: Image.Exif) -> Iterator[Fact]:
    """The facts in the EXIF of a picture; a broken part costs none of the others."""
    readers = (_texts, _dates, _place, _camera, _lens, _rating)
    blocks = _blocks(written)
    for read in readers:
        with suppress(Exception):  # what is broken may raise anything
            yield from read(*blocks)


Block = Mapping[int, Any]


def _blocks(written: Image.Exif) -> tuple[Block, Block, Block]:
    """The tags of the picture, of the camera, and of the receiver for GPS."""
    return written, _directory(written, _EXIF_IFD), _directory(written, _GPS_IFD)


def _directory(written: Image.Exif, tag: int) -> Block:
    with suppress(Exception):
        return written.get_ifd(tag)
    return {}


def _texts(picture: Block, camera: Block, _: Block) -> Iterator[Fact]:
    yield from facts_of("description", [_text(picture.get(_DESCRIPTION))], SOURCE)
    yield from facts_of("title", [_from_utf16(picture.get(_XP_TITLE))], SOURCE)
    yield from facts_of("description", [_from_utf16(picture.get(_XP_SUBJECT))], SOURCE)
    yield from commented(_from_utf16(picture.get(_XP_COMMENT)), SOURCE)
    words = [tidied(word) for word in _from_utf16(picture.get(_XP_KEYWORDS)).split(";")]
    yield from keyword_facts(words, (), SOURCE)
    yield from commented(_comment(camera.get(_COMMENT)), SOURCE)
    made = _text(picture.get(_MAKE))  # where ComfyUI puts the prompt of a WebP
    yield from commented(made, SOURCE) if is_prompt(made) else ()


def _dates(picture: Block, camera: Block, gps: Block) -> Iterator[Fact]:
    for tag, kind in _DATES:
        for block in (camera, picture):  # scanners write the date of the camera beside the others
            moment = moment_of(_text(block.get(tag)))
            if moment is not None:
                yield Fact("taken", str(moment), f"{SOURCE} {kind}")
                break
    if (moment := moment_of(_gps_time(gps))) is not None:
        yield Fact("taken", str(moment), f"{SOURCE} gps")


def _gps_time(gps: Block) -> str:
    """The time of the satellites, which is UTC."""
    date = _text(gps.get(_GPS_DATE))
    with suppress(Exception):
        hour, minute, second = (int(part) for part in gps[_GPS_TIME])
        return f"{date} {hour}:{minute}:{second}"
    return date


def _place(_: Block, __: Block, gps: Block) -> Iterator[Fact]:
    where = point(_degrees(gps, *_LATITUDE), _degrees(gps, *_LONGITUDE))
    if where is not None:
        yield Fact("point", where, SOURCE)


def _degrees(gps: Block, reference: int, value: int) -> float | None:
    written, hemisphere = gps.get(value), _text(gps.get(reference))
    if written is None:
        return None
    if isinstance(written, str | bytes):
        return degrees_in(_text(written), hemisphere)
    parts = written if isinstance(written, tuple | list) else (written,)
    return signed([_number(part) for part in parts], hemisphere)


def _number(part: Any) -> float:
    """A rational number; one over nothing is not a number."""
    try:
        return float(part)
    except (ArithmeticError, ValueError, TypeError):
        return math.nan


def _camera(picture: Block, _: Block, __: Block) -> Iterator[Fact]:
    camera = named_once(*_two(picture, _MAKE, _MODEL))
    yield from facts_of("camera", [] if "{" in camera else [camera], SOURCE)


def _lens(_: Block, camera: Block, __: Block) -> Iterator[Fact]:
    yield from facts_of("lens", [named_once(*_two(camera, _LENS_MAKE, _LENS_MODEL))], SOURCE)


def _two(block: Block, *tags: int) -> tuple[str, str]:
    make, model = (tidied(_text(block.get(tag))) for tag in tags)
    return make, model


def named_once(make: str, model: str) -> str:
    """Maker and model; many makers repeat their name in the model. Empty without a model.

    Lenses that nobody names are called "----".
    """
    if not any(char.isalnum() for char in model):
        return make
    repeated = make and model.casefold().startswith(make.split()[0].casefold())
    return model if repeated else f"{make} {model}".strip()


def _rating(picture: Block, _: Block, __: Block) -> Iterator[Fact]:
    stars = rating_of_stars(picture.get(_RATING))
    if stars is None:
        stars = rating_of_percent(picture.get(_RATING_PERCENT))
    yield from rating_facts(stars, SOURCE)


def _text(value: object) -> str:
    """A text of EXIF: Pillow reads it as Latin-1, but most programs write UTF-8."""
    if isinstance(value, bytes):
        return decoded(value)
    if not isinstance(value, str):
        return ""
    try:
        return decoded(value.encode("latin-1"))
    except UnicodeEncodeError:
        return value


def _from_utf16(value: object) -> str:
    if isinstance(value, tuple):
        value = bytes(value)
    if not isinstance(value, bytes):
        return ""
    return value.decode("utf-16-le", "ignore").partition("\0")[0]


def _comment(value: object) -> str:
    """A comment, whose first eight bytes name its character set; zeros stand for an unknown one."""
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, bytes):
        return ""
    code, text = value[:_CHARACTER_CODE], value[_CHARACTER_CODE:]
    if code.startswith(b"UNICODE"):
        return _utf16(text)
    if code.startswith(b"JIS"):
        return text.decode("iso2022_jp", "replace")
    known = code.startswith(b"ASCII") or not code.strip(b"\0")
    return decoded(text if known else value)


def _utf16(data: bytes) -> str:
    """UTF-16 in the byte order in which it has more plain letters."""
    data = data[: len(data) // 2 * 2]
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").partition("\0")[0]
    first_zeros, last_zeros = data[::2].count(0), data[1::2].count(0)
    order = "utf-16-be" if first_zeros > last_zeros else "utf-16-le"
    return data.decode(order, "replace").rstrip("\0").partition("\0")[0]
