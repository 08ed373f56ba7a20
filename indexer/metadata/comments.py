"""Texts and comments of PNG, JPEG and GIF, without those that programs write by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from PIL import Image

from indexer.metadata.dates import moment_of
from indexer.metadata.fact import Fact, facts_of
from indexer.metadata.keywords import keyword_facts
from indexer.metadata.prompts import is_prompt, prompt_of
from indexer.metadata.texts import decoded

SOURCE = "png"
_PNG_TEXTS = {  # keys in small letters
    "description": "description", "caption": "description", "title": "title",
}  # fmt: skip
_PNG_DATES = ("creation time", "creationtime", "exif:datetimeoriginal")
_PROMPTS = ("parameters", "prompt", "dream", "sd-metadata", "invokeai_metadata")
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
    if image.format == "PNG":
        yield from _png_facts(
            {str(k).lower(): v for k, v in image.info.items() if isinstance(v, str)}
        )
        return
    comment = image.info.get("comment")
    text = decoded(comment) if isinstance(comment, bytes) else comment
    if isinstance(text, str):
        yield from commented(text, str(image.format).lower())


def commented(text: str, source: str) -> Iterator[Fact]:
    """A comment as what it is: one by people, or the prompt of a generated picture, or nothing."""
    text = text.strip()
    if is_prompt(text):
        yield from facts_of("prompt", [prompt_of(text)], source)
    elif not _BY_A_PROGRAM.match(text) and not _MACHINE.match(text):
        yield from facts_of("comment", [text], source)


def _png_facts(texts: Mapping[str, str]) -> Iterator[Fact]:
    for name, field in _PNG_TEXTS.items():
        yield from facts_of(field, [texts.get(name)], SOURCE)
    yield from keyword_facts(texts.get("keywords", "").split(","), (), SOURCE)
    yield from commented(texts.get("comment", ""), SOURCE)
    for name in _PNG_DATES:
        if (moment := moment_of(texts.get(name, ""))) is not None:
            yield Fact("taken", str(moment), f"{SOURCE} created")
            break
    for name in _PROMPTS:
        yield from facts_of("prompt", [prompt_of(texts.get(name, ""))], SOURCE)
