"""Fields of facts, and how their values are shown. A search imports it, so it imports little."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta

VERSION = 2  # of the readers of metadata: pictures that an older one read are read again
PLACES = ("location", "city", "state", "country")  # from the nearest to the widest
NAMES = ("person", *PLACES)  # found as names are
TEXTS = ("title", "headline", "alternative", "keyword", "comment", "prompt", "flag")
KEPT = (*NAMES, *TEXTS)  # fields with several values


def bare(name: str) -> str:
    """A name in small letters without accents, as names are compared."""
    small = " ".join(name.casefold().split())
    if small.isascii():
        return small
    decomposed = unicodedata.normalize("NFKD", small)
    return "".join(char for char in decomposed if not unicodedata.combining(char))


def shown_moment(first: str, last: str | None) -> str:
    """A stored moment as it is shown: a time, or a date without what is not known of it.

    A year alone is "1985", several are "1980..1989".
    """
    if last is None:
        return first
    if not (first.endswith("T00:00:00") and last.endswith("T23:59:59")):
        return first[:16]  # a minute
    start, end = (datetime.fromisoformat(text) for text in (first, last))
    after = end + timedelta(seconds=1)
    if (start.month, start.day, after.month, after.day) == (1, 1, 1, 1):
        return first[:4] if start.year == end.year else f"{first[:4]}..{last[:4]}"
    if start.day == after.day == 1 and start.month == end.month and start.year == end.year:
        return first[:7]
    return first[:10] if start.date() == end.date() else f"{first[:10]}..{last[:10]}"
