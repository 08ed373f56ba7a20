"""Files beside one picture: `name.txt`, `name.json`, `name.xmp`; captions and other facts."""

import re
from dataclasses import dataclass
from pathlib import Path

from indexer.captions.caption import Caption, UnusableFile, captions_of
from indexer.captions.json_files import parsed, sidecar_texts
from indexer.captions.metadata import captions_among
from indexer.captions.text_files import data_lines, peeked, read_limited
from indexer.metadata.fact import Fact
from indexer.metadata.order import SIDECAR
from indexer.metadata.picasa import picasa_facts
from indexer.metadata.records import record_facts, record_of
from indexer.metadata.takeout import is_takeout, takeout_facts
from indexer.metadata.xmp import xmp_facts

MAX_BYTES = 1_000_000  # a larger file is not about one picture
MAX_FOLDER_BYTES = 100_000_000

# Detectors keep boxes as lines of numbers in `name.txt`: "0 0.51 0.42 0.2 0.3".
_NUMBERS = re.compile(r"[\d\s.,;:e+-]*\d[\d\s.,;:e+-]*")


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The captions and facts in a file beside a picture, and its guessed character sets."""

    captions: list[Caption]
    facts: tuple[Fact, ...] = ()
    guessed: frozenset[str] = frozenset()


def read_sidecar(path: Path) -> Sidecar:
    """Read a file beside a picture; raises UnusableFile and OSError."""
    suffix = path.suffix.lower()
    try:
        data = read_limited(path, MAX_BYTES)
    except UnusableFile:
        if suffix == ".json" and not _has_captions(path):
            return Sidecar([])  # such as the boxes of labelme, with the picture itself inside
        raise
    if suffix == ".xmp":
        return _of_facts(_xmp(data))
    if suffix == ".json":
        facts = _records(data)
        return (
            _of_facts(facts) if facts else Sidecar(captions_of(sidecar_texts(data), "img2dataset"))
        )
    guessed: set[str] = set()
    lines = (line for line in data_lines(data, guessed) if not _NUMBERS.fullmatch(line))
    return Sidecar(captions_of(lines, "sidecar"), guessed=frozenset(guessed))


def _has_captions(path: Path) -> bool:
    """Whether a large JSON speaks of captions at its start."""
    return b'"caption' in peeked(path, MAX_BYTES)


def read_picasa(path: Path) -> dict[str, Sidecar]:
    """Read Picasa's file of a folder, by the names of pictures; raises UnusableFile and OSError."""
    said = picasa_facts(read_limited(path, MAX_FOLDER_BYTES))
    return {name: _of_facts(facts) for name, facts in said.items() if facts}


def _of_facts(facts: tuple[Fact, ...]) -> Sidecar:
    return Sidecar(list(captions_among(facts)), facts)


def _xmp(packet: bytes) -> tuple[Fact, ...]:
    try:
        return tuple(xmp_facts(packet, SIDECAR))
    except ValueError as error:
        raise UnusableFile(str(error)) from error


def _records(data: bytes) -> tuple[Fact, ...]:
    """The facts in a sidecar of Google Takeout, exiftool or gallery-dl; none for other JSON."""
    try:
        value = parsed(data)
    except ValueError:
        return ()
    if is_takeout(value):
        return tuple(takeout_facts(value))
    record = record_of(value)
    return () if record is None else tuple(record_facts(record))
