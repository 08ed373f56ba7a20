"""Texts and comments of PNG, JPEG and GIF, without those that programs write by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator

from PIL import Image

from indexer.metadata.dates import moment_of
from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.prompts import prompt_of
from indexer.metadata.texts import decoded

SOURCE = "png"
_PNG_TEXTS = {"Description": "description", "Title": "title", "Comment": "comment"}
_PNG_DATES = ("Creation Time", "CreationTime", "Creation time", "create-date", "date:create")
_PROMPTS = ("parameters", "prompt", "Dream", "sd-metadata", "invokeai_metadata")
# Libraries and cameras sign their work in a comment.
_BY_A_PROGRAM = re.compile(
    r"""(creator:|(created|made|generated|edited|optimi[sz]ed|compressed|processed|resized)
        \ (with|by|using)
        |lavc?\d|intel\(r\)|jpeg\ encoder|adobe\b|handmade\ software|lead\ technologies|software:
        |file\ (written|source)|xpacket|\*|ver\.|av:|qt/|gd-jpeg|screenshot$
        |.{0,40}\b(gimp|imagemagick|photoshop|ezgif
        |gifsicle|paint\.net|ffmpeg|acdsee|irfanview|xnview)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_MACHINE = re.compile(r"[\[{<#]|\S{30}|[\W\d_]*$")  # JSON, XML, keys and checksums


def comment_facts(image: Image.Image) -> Iterator[Fact]:
    """The facts in the texts of an opened PNG, and in the comment of a JPEG or GIF."""
    info = image.info
    if image.format == "PNG":
        texts = {name: text for name, text in info.items() if isinstance(text, str)}
        for name, field in _PNG_TEXTS.items():
            yield from facts_of(field, _by_people([texts.get(name)]), SOURCE)
        for name in _PNG_DATES:
            moment = moment_of(texts.get(name, ""))
            if moment is not None:
                yield Fact("taken", str(moment), f"{SOURCE} created")
                break
        for name in _PROMPTS:
            yield from facts_of("prompt", [prompt_of(texts.get(name, ""))], SOURCE)
    else:
        yield from facts_of("comment", _by_people([info.get("comment")]), str(image.format).lower())


def is_by_a_program(text: str) -> bool:
    """Whether a comment says what wrote the file, or is not for people."""
    return bool(_BY_A_PROGRAM.match(text) or _MACHINE.match(text))


def _by_people(values: list[object]) -> Iterator[str]:
    for value in values:
        text = decoded(value) if isinstance(value, bytes) else value
        if isinstance(text, str) and not is_by_a_program(text.strip()):
            yield text
