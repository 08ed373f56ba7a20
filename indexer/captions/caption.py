"""A caption as a value: cleaned text, where it came from, and how several sources unite."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from indexer.metadata.fact import Fact
from indexer.metadata.texts import said

# Defaults that cameras, phones and programs write in place of a caption, alike on every picture.
_DEFAULTS = re.compile(
    r"""
      (olympus|minolta|konica\ minolta|samsung|kodak|medion|vivitar|casio|pentax|maginon|rollei)
                                                         \ digital\ (still\ )?camera
    | digital\ camera | sony\ dsc | samsung\ camera\ pictures | exif[_\ ]jpeg[_\ ]picture
    | casio\ computer\ co\.,\ ?ltd\.? | pentax\ image | asus | fujifilm | hdrpl
    | <\ ?(digimax|kenox|samsung)\b.* | (processed|created|edited|made)\ with\ (vsco|gimp)\b.*
    | lead\ technologies\ inc\..* | dcim | dji | default | ascii | binary\ comment
    | untitled[\s_-]*\d* | screen[\s_-]?shot([\s_-]*(at|am|pm|[\d.:,_-]+))*
    | (img|dsc|dscn|dscf|dscn|pict|pxl|mvimg|image|sdc|imgp)[_-]?\d+    # a file name, not a caption
    | (cof|dav|ozno?r?|nor|sdr|vig|rhdr|hdr|frontbhdr|fbt|rbt|edf|dig|bsh|mde|btf|btr|mon|ptr|rpt
       |qrf|burst|ptfbt|frem|fshbty)(wb|hdr|mdn|soft|vivid)?(_[a-z]+)*[_\d]*    # Huawei and Honor
    | samsung | sony | canon | nikon | kodak | olympus | panasonic | huawei | xiaomi | (hp|sanyo|ge)
       \ ?(digital\ camera|photosmart.*)? | digital\ ?still\ ?camera | charset=\w+ | iclarified
    | created\ by\ imlib | dvc\ [\d.]+.* | (image\ ?)?description | applemark | jpe?g\ image
    | _?cuva | (non_)?smart | hellomoto | motorola | minolta\ dsc | (my\ )?beautiful\ picture
    | my\ (photo|picture|image) | jpeg | picture | photo | created\ with\ paint\.net
    | file\ source:.* | (scanned|created)\ (by|with)\ (camscanner|adobe\ scan|office\ lens)\b.*
    | \S+\.(jpe?g|png|gif|tiff?|webp|heic|heif|avif|bmp|dng|cr2|nef|arw)
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Metadata that microscopes, drones and generators keep in the description field.
_MACHINE_TEXT = (
    *("<?xml", "<ome", "<x:xmpmeta", "imagej=", '{"', "{'", "workflow:{", "workflow: {"),
)


@dataclass(frozen=True, slots=True)
class Caption:
    """One text that belongs to a picture, cleaned, and the short name of the format it came in."""

    text: str
    source: str


class CaptionFile(NamedTuple):
    """A file of several captions: how many it holds, and how many match no picture."""

    path: Path
    format: str
    rows: int
    unmatched: int


@dataclass(frozen=True, slots=True)
class Guess:
    """A character set that caption files seem to have: their number, and the first of them."""

    character_set: str
    files: int
    first: Path

    def joined(self, other: Guess | None) -> Guess:
        """The same with the files of another one, which come first."""
        return self if other is None else replace(other, files=self.files + other.files)


@dataclass(frozen=True, slots=True)
class CaptionScan:
    """All captions of a folder by relative path, the files they come from, and unreadable files.

    `facts` are those that sidecars say of pictures, by relative path too; `unused` are paths of
    files that could hold captions by their suffix, and did not. `settled` is False if a file could
    not be read now, but perhaps later.
    """

    captions: dict[bytes, tuple[Caption, ...]]
    files: tuple[CaptionFile, ...]
    problems: tuple[tuple[Path, str], ...]
    facts: dict[bytes, tuple[Fact, ...]] = field(default_factory=dict)
    unused: tuple[bytes, ...] = field(default=(), compare=False)
    guesses: tuple[Guess, ...] = field(default=(), compare=False)
    settled: bool = field(default=True, compare=False)


@dataclass(frozen=True, slots=True)
class Rows:
    """Pairs (picture's name, caption) of one file; `flaw` says why lines were left out, if any.

    `sure`: the names are those of pictures, and do not only seem to be. `guessed` are the character
    sets that the file seems to have.
    """

    format: str
    rows: list[tuple[str, Caption]]
    flaw: str | None = None
    sure: bool = True
    guessed: frozenset[str] = frozenset()


class UnusableFile(Exception):  # noqa: N818 - named by the state; its text is the reason and remedy
    """A caption file that cannot be used; never leaves this package."""


def captions_of(texts: Iterable[str], source: str) -> list[Caption]:
    """Clean the texts and drop those that say nothing."""
    cleaned = (clean(text) for text in texts)
    return [Caption(text, source) for text in cleaned if text]


def clean(text: str) -> str:
    """Return the text in one line, NFC, cut at a word; empty when it is a camera's default."""
    text = said(text)
    return "" if _says_nothing(text) else text


def united(*groups: Iterable[Caption]) -> tuple[Caption, ...]:
    """Unite captions from several sources; equal texts occur once, the first source wins."""
    first: dict[str, Caption] = {}
    for group in groups:
        for caption in group:
            first.setdefault(" ".join(caption.text.casefold().split()), caption)
    return tuple(first.values())


def _says_nothing(text: str) -> bool:
    return bool(_DEFAULTS.fullmatch(text)) or text.lower().startswith(_MACHINE_TEXT)
