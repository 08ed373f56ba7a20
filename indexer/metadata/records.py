"""Sidecars in JSON with tags for keys: those of exiftool and osxphotos, and of gallery-dl."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from indexer.metadata.dates import moment_of
from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.keywords import keyword_facts
from indexer.metadata.order import RECORD
from indexer.metadata.points import point

_EXIFTOOL, _GALLERY_DL = "SourceFile", ("tag_string", "category")
_FIELDS = {  # of facts, by the tag that says them, without its group
    "description": "description", "imagedescription": "description",
    "caption-abstract": "description", "content": "description", "title": "title",
    "objectname": "title", "headline": "headline", "personinimage": "person",
    "regionname": "person",
}  # fmt: skip
_KEYWORDS = ("keywords", "subject", "tags")


def record_of(value: object) -> Mapping[str, Any] | None:
    """The record of one picture in the value of a JSON file; None for other JSON."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return value[0] if _EXIFTOOL in value[0] else None
    known = isinstance(value, dict) and any(key in value for key in (_EXIFTOOL, *_GALLERY_DL))
    return value if known and isinstance(value, dict) else None


def record_facts(record: Mapping[str, Any]) -> Iterator[Fact]:
    """The facts in a record; the date is the time of the camera."""
    tags = {key.rpartition(":")[2].casefold(): value for key, value in record.items()}
    for tag, field in _FIELDS.items():
        yield from facts_of(field, _texts(tags.get(tag)), RECORD)
    words = [word for tag in _KEYWORDS for word in _texts(tags.get(tag)) if isinstance(word, str)]
    words += str(tags.get("tag_string") or "").split()
    yield from keyword_facts(list(dict.fromkeys(words)), (), RECORD)
    if (moment := moment_of(str(tags.get("datetimeoriginal") or ""))) is not None:
        yield Fact("taken", str(moment), f"{RECORD} original")
    with suppress(TypeError, ValueError, KeyError):  # without a hemisphere only numbers are sure
        where = point(float(tags["gpslatitude"]), float(tags["gpslongitude"]))
        if where is not None:
            yield Fact("point", where, RECORD)


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
