"""Keywords, flat and in hierarchies; people and programs among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.texts import said

SIGN = "|"  # between the levels of a keyword
_PEOPLE = frozenset(
    (
        *("people", "person", "persons", "faces", "who"),
        *("personen", "menschen", "leute", "personnes", "gens", "personas", "gente", "persone"),
        *("pessoas", "mensen", "osoby"),
    )
)
_DARKTABLE = frozenset({"darktable", "exported", "format", "changed"})  # what it tags by itself
_DARKTABLE_FORMATS = frozenset(
    (
        *("avif", "bmp", "cr2", "cr3", "dng", "exr", "heic", "heif", "jp2", "jpeg", "jpg", "jxl"),
        *("nef", "pdf", "pfm", "png", "ppm", "raf", "tif", "tiff", "webp", "xcf"),
    )
)


def keyword_facts(
    flat: Sequence[str], paths: Iterable[tuple[str, str]], source: str
) -> Iterator[Fact]:
    """The facts in flat keywords and in paths of keywords, each with the sign between its levels.

    A path is kept as "Safari|Kenya"; a flat keyword that is a level of one says nothing more. The
    levels below "People" are names of people. "keywords" is one text of all, for a caption.
    """
    # darktable writes its paths into the flat list too.
    deep_ones = [*paths, *((text, SIGN) for text in flat if SIGN in text)]
    split = [levels for path, sign in deep_ones if (levels := _levels(path, sign))]
    own = [levels for levels in split if levels[0].casefold() != "darktable"]
    words = [text for text in map(said, flat) if text and SIGN not in text]
    programs = _programs(words, split)
    kept = [word for word in words if word.casefold() not in programs]
    deep = {level.casefold() for levels in own if len(levels) > 1 for level in levels}
    all_paths = [SIGN.join(levels) for levels in own]
    alone = [word for word in kept if word.casefold() not in deep]
    yield from facts_of("keyword", [*alone, *all_paths], source)
    yield from facts_of("person", (name for levels in own for name in _people(levels)), source)
    if together := ", ".join(dict.fromkeys(kept or [levels[-1] for levels in own])):
        yield Fact("keywords", together, source)


def _programs(words: Sequence[str], paths: Sequence[Sequence[str]]) -> frozenset[str]:
    """The keywords that darktable writes by itself, if it wrote these."""
    own = {
        level.casefold() for path in paths if path[0].casefold() == "darktable" for level in path
    }
    is_its = len(_DARKTABLE.intersection(word.casefold() for word in words)) > 1
    return frozenset(own | (_DARKTABLE | _DARKTABLE_FORMATS if is_its else frozenset()))


def _levels(path: str, sign: str) -> list[str]:
    return [level for part in path.split(sign) if (level := said(part))]


def _people(levels: Sequence[str]) -> list[str]:
    return [levels[-1]] if len(levels) > 1 and levels[0].casefold() in _PEOPLE else []
