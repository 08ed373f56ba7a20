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
# Libraries, programs and cameras sign their work in a comment.
_PROGRAMS = (
    r"(gimp|imagemagick|graphicsmagick|(adobe\s)?(photoshop|imageready|lightroom)|ezgif|gifsicle"
    r"|paint\.net|ffmpeg|acdsee|irfanview|xnview|picasa|imlib|gd-jpeg|libvips|camscanner|vsco)"
)
_BY_A_PROGRAM = (
    r"(creator|software|encoder)\s*:|lavc?\d|intel\(r\)|jpeg encoder|handmade software"
    rf"|{_PROGRAMS}\b|lead technologies|file (written|source)|xpacket|ver\.|av:|qt/|screenshot$"
    r"|binary comment"
    r"|(optimi[sz]ed|compressed|processed|resized|converted) (with|by|using)\b"
    rf"|(created|made|generated|edited|saved) (with|by|using|in) .*({_PROGRAMS}\b|\d\.\d)"
)
_MACHINE = r"[\[{]\s*[\[{\]}\"']|<[?!/a-z]|[!-~]{30}|[\W\d_]*$"  # JSON, XML, checksums, signs


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
    elif not re.match(f"{_BY_A_PROGRAM}|{_MACHINE}", text, re.I):
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
