"""Picasa's file of a folder, `.picasa.ini`: captions, keywords, stars, places and faces."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.keywords import keyword_facts
from indexer.metadata.points import point
from indexer.metadata.texts import decoded

SOURCE = "picasa"
NAMES = frozenset({b".picasa.ini", b"picasa.ini"})  # in lower case; old versions hid it not
_CONTACTS = ("contacts2", "contacts")
_FACE = re.compile(r"rect64\([0-9a-f]*\),\s*([0-9a-f]+)", re.IGNORECASE)


def picasa_facts(data: bytes) -> dict[str, tuple[Fact, ...]]:
    """The facts about each picture of a folder, by the name of its file.

    Faces that Picasa calls by a number alone, and names it keeps elsewhere, are left out.
    """
    sections = _sections(data)
    people: dict[str, str] = {}
    for name in _CONTACTS[::-1]:
        people |= {key: value.split(";")[0] for key, value in sections.pop(name, {}).items()}
    return {name: tuple(_facts(entries, people)) for name, entries in sections.items()}


def _sections(data: bytes) -> dict[str, dict[str, str]]:
    """The entries of each section, keys in lower case; lines of another kind are passed over."""
    sections: dict[str, dict[str, str]] = {}
    entries: dict[str, str] = {}
    for line in map(decoded, data.splitlines()):
        text = line.strip().removeprefix("\ufeff")
        if text.startswith("[") and text.endswith("]"):
            name = text[1:-1]
            key = name.lower() if name.lower() in _CONTACTS else name
            entries = sections.setdefault(key, {})
        elif "=" in text:
            key, _, value = text.partition("=")
            entries[key.strip().lower()] = value.strip()
    return sections


def _facts(entries: Mapping[str, str], people: Mapping[str, str]) -> Iterator[Fact]:
    yield from facts_of("description", [entries.get("caption")], SOURCE)
    faces = _FACE.findall(entries.get("faces", ""))
    yield from facts_of("person", (people.get(face.lower()) for face in faces), SOURCE)
    yield from keyword_facts(entries.get("keywords", "").split(","), (), SOURCE)
    with suppress(ValueError):
        latitude, longitude = map(float, entries.get("geotag", "").split(","))
        if (where := point(latitude, longitude)) is not None:
            yield Fact("point", where, SOURCE)
    if entries.get("star", "").lower() == "yes":
        yield Fact("flag", "favourite", SOURCE)
