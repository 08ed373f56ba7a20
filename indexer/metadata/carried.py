"""Facts that a picture carries in its own bytes, from each block of metadata that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PIL import Image

from indexer.metadata.comments import comment_facts
from indexer.metadata.exif import exif_facts
from indexer.metadata.fact import Fact
from indexer.metadata.iptc import iptc_facts
from indexer.metadata.xmp import xmp_facts


def carried_facts(image: Image.Image) -> tuple[Fact, ...]:
    """The facts in an opened picture's metadata; a damaged block gives what is before its damage.

    A PNG may have some behind its pixels: they count once it is decoded.
    """
    readers = (_exif, iptc_facts, _xmp, comment_facts)
    return tuple(fact for read in readers for fact in _survived(read, image))


def _survived(read: Callable[[Image.Image], Iterator[Fact]], image: Image.Image) -> list[Fact]:
    facts: list[Fact] = []
    try:
        facts.extend(read(image))
    except Exception:  # a damaged block may raise anything, and the picture is still good
        return facts
    return facts


def _exif(image: Image.Image) -> Iterator[Fact]:
    if image.format != "PNG" or _has_exif(image):
        # Pillow would decode a whole PNG to look for EXIF behind its pixels.
        yield from exif_facts(image.getexif())


def _has_exif(image: Image.Image) -> bool:
    return "exif" in image.info or "Raw profile type exif" in image.info


def _xmp(image: Image.Image) -> Iterator[Fact]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or _raw(image)
    if isinstance(packet, bytes | str) and packet:
        yield from xmp_facts(packet)


def _raw(image: Image.Image) -> bytes:
    """The packet as ImageMagick writes it into a PNG: its name, its length, and hexadecimal."""
    text = image.info.get("Raw profile type xmp")
    if not isinstance(text, str):
        return b""
    return bytes.fromhex("".join(text.split()[2:]))
