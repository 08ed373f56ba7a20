"""IPTC-IIM: caption, headline, keywords, names of places, and dates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from PIL import Image, IptcImagePlugin

from indexer.metadata.dates import moment_of
from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.keywords import keyword_facts
from indexer.metadata.texts import decoded

SOURCE = "iptc"
_KEYWORDS = 25
_FIELDS = {  # number of the data set in the second record
    120: "description", 105: "headline", 5: "title", 92: "location", 90: "city",
    95: "state", 101: "country",
}  # fmt: skip
_DATES = ((55, 60, "created"), (62, 63, "digitised"))  # date and time


def iptc_facts(image: Image.Image) -> Iterator[Fact]:
    """The facts in the IPTC block of an opened JPEG or TIFF."""
    yield from block_facts(IptcImagePlugin.getiptcinfo(image) or {})  # type: ignore[arg-type]


def block_facts(info: Mapping[tuple[int, int], Any]) -> Iterator[Fact]:
    """The facts in a block, given by record and data set."""
    for number, field in _FIELDS.items():
        yield from facts_of(field, _texts(info.get((2, number))), SOURCE)
    yield from keyword_facts(_texts(info.get((2, _KEYWORDS))), (), SOURCE)
    for day, time, kind in _DATES:
        moment = moment_of(f"{_first(info, day)} {_clock(_first(info, time))}")
        if moment is not None:
            yield Fact("taken", str(moment), f"{SOURCE} {kind}")


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [decoded(one) for one in values if isinstance(one, bytes)]


def _first(info: Mapping[tuple[int, int], Any], number: int) -> str:
    return next(iter(_texts(info.get((2, number)))), "").strip()


def _clock(text: str) -> str:
    """A time, HHMMSS and an offset, with colons."""
    digits = text[:6]
    if len(digits) < 6 or not digits.isdecimal():
        return text if ":" in text else ""
    return f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}"
