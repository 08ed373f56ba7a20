"""EXIF of a picture: when, with which camera and where it was taken."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PIL import Image

_MAKE, _MODEL = 0x010F, 0x0110
_EXIF_IFD, _DATE_TIME_ORIGINAL = 0x8769, 0x9003
_GPS_IFD = 0x8825
_LATITUDE, _LONGITUDE = (1, 2, "S", 90), (3, 4, "W", 180)  # reference, value, negative, limit


@dataclass(frozen=True, slots=True)
class Exif:
    """`taken` is local time ("YYYY-MM-DDTHH:MM:SS"), `camera` its maker and model.

    `latitude` and `longitude` are degrees north and east, both or neither. None: not known.
    """

    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def exif(image: Image.Image) -> Exif:
    """The EXIF of an opened picture; broken parts, which take many forms, count as absent."""
    try:
        written = image.getexif()
    except Exception:
        return Exif()
    return Exif(_taken(written), _camera(written), *_place(written))


def _taken(written: Image.Exif) -> str | None:
    try:
        text = str(written.get_ifd(_EXIF_IFD).get(_DATE_TIME_ORIGINAL, "")).strip("\0 ")
        return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").isoformat()
    except Exception:  # cameras without a clock write zeros
        return None


def _camera(written: Image.Exif) -> str | None:
    """Maker and model; many makers repeat their name in the model."""
    try:
        make, model = (
            " ".join(str(written.get(t, "")).split("\0")[0].split()) for t in (_MAKE, _MODEL)
        )
    except Exception:
        return None
    repeated = make and model.casefold().startswith(make.split()[0].casefold())
    camera = model if repeated else f"{make} {model}".strip()
    return camera.encode("utf-8", "replace").decode() or None


def _place(written: Image.Exif) -> tuple[float | None, float | None]:
    try:
        gps = written.get_ifd(_GPS_IFD)
        latitude, longitude = _degrees(gps, *_LATITUDE), _degrees(gps, *_LONGITUDE)
    except Exception:
        return None, None
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None, None  # the zeros of a receiver that found no satellite
    return latitude, longitude


def _degrees(
    gps: Mapping[int, Any], reference: int, value: int, negative: str, limit: int
) -> float | None:
    """Degrees, minutes and seconds as decimal degrees, to six decimals (a tenth of a metre)."""
    if value not in gps:
        return None
    degrees, minutes, seconds = (*(float(part) for part in gps[value]), 0.0, 0.0)[:3]
    decimal = degrees + minutes / 60 + seconds / 3600
    if not (math.isfinite(decimal) and 0 <= decimal <= limit):
        return None
    written = gps.get(reference, "")
    text = written.decode("ascii", "replace") if isinstance(written, bytes) else str(written)
    is_negative = text.strip("\0 ").upper() == negative
    return round(-decimal if is_negative else decimal, 6)
