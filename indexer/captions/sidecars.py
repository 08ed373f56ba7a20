"""Captions in files beside one picture: `name.txt`, `name.json`, `name.xmp`."""

import re
from pathlib import Path

from indexer.captions.caption import Caption, UnusableFile, captions_of
from indexer.captions.json_files import sidecar_texts
from indexer.captions.text_files import data_lines, peeked, read_limited
from indexer.captions.xmp import xmp_texts

MAX_BYTES = 1_000_000  # a larger file is not about one picture

# Detectors keep boxes as lines of numbers in `name.txt`: "0 0.51 0.42 0.2 0.3".
_NUMBERS = re.compile(r"[\d\s.,;:e+-]*\d[\d\s.,;:e+-]*")


def sidecar_captions(path: Path) -> list[Caption]:
    """Read the captions in a file beside a picture; raises UnusableFile and OSError."""
    suffix = path.suffix.lower()
    try:
        data = read_limited(path, MAX_BYTES)
    except UnusableFile:
        if suffix == ".json" and not _has_captions(path):
            return []  # such as the boxes of labelme, with the picture itself inside
        raise
    if suffix == ".xmp":
        return captions_of(xmp_texts(data), "xmp")
    if suffix == ".json":
        return captions_of(sidecar_texts(data), "img2dataset")
    lines = (line for line in data_lines(data) if not _NUMBERS.fullmatch(line))
    return captions_of(lines, "sidecar")


def _has_captions(path: Path) -> bool:
    """Whether a large JSON speaks of captions at its start."""
    return b'"caption' in peeked(path, MAX_BYTES)
