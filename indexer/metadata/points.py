"""Points on the globe, as metadata write them: degrees, minutes and seconds, and a hemisphere."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress

_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
_WORD = re.compile(r"[^\W\d_]+")
# Letters, and words of some languages; "O" alone is west in French and east in German.
_NEGATIVE = {"s": True, "n": False, "w": True, "e": False} | {
    word: negative
    for words, negative in (
        ("south sud süd sued sur sul zuid west ouest oeste ovest", True),
        ("north nord norte noord east est este ost oost leste", False),
    )
    for word in words.split()
}
_LIMITS = (90.0, 180.0)


def point(latitude: float | None, longitude: float | None) -> str | None:
    """A point as the value of a fact; None if a part is unknown, or of no place.

    Zeros are what a receiver writes that found no satellite.
    """
    if latitude is None or longitude is None or (latitude, longitude) == (0, 0):
        return None
    near = abs(latitude) <= _LIMITS[0] and abs(longitude) <= _LIMITS[1]
    return f"{latitude:.6f},{longitude:.6f}" if near else None


def point_of(value: str) -> tuple[float, float]:
    """Degrees north and east out of the value of a fact."""
    latitude, longitude = value.split(",")
    return float(latitude), float(longitude)


def signed(parts: Sequence[float], reference: str) -> float | None:
    """Decimal degrees, to six decimals, of degrees, minutes and seconds and their hemisphere.

    Minutes and seconds that are not a number count as 0. Without a reference, or with one that
    names no hemisphere, only a negative number tells which is meant: else None.
    """
    degrees, minutes, seconds = (*parts, 0.0, 0.0)[:3]
    if not math.isfinite(degrees):
        return None
    rest = sum(n / by for n, by in ((minutes, 60), (seconds, 3600)) if math.isfinite(n))
    negative = _NEGATIVE.get(reference.strip("\0 .").lower())
    if math.copysign(1, degrees) < 0:
        negative = True
    if negative is None:
        return None
    decimal = abs(degrees) + rest
    return round(-decimal if negative else decimal, 6)


def degrees_in(text: str, reference: str = "", *, is_signed: bool = False) -> float | None:
    """Degrees out of a text: "48,12.5N", "48.2", "48° 12' 30\\" N"; None for another text.

    `is_signed`: a number without a hemisphere counts north or east, as decimal degrees do.
    """
    words = [word.lower() for word in _WORD.findall(text)]
    found = next((word for word in words if word in _NEGATIVE), reference)
    with suppress(ValueError):
        # XMP puts commas between degrees, minutes and seconds; some write one for a point.
        parts = [float(part) for part in _parts(text)]
        if parts and not found and is_signed and len(parts) == 1:
            return round(parts[0], 6)
        return signed(parts, found) if parts else None
    return None


def _parts(text: str) -> list[str]:
    pieces = text.split(",")
    if len(pieces) == 2 and "." not in text and len(_NUMBER.findall(pieces[1])) == 1:
        whole, fraction = pieces
        if len(re.sub(r"\D", "", fraction)) > 2:  # a decimal comma: no minute has three digits
            return _NUMBER.findall(f"{whole}.{fraction}")[:1]
    return re.findall(r"[-+]?\d+(?:\.\d+)?", text)[:3]
