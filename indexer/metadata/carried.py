"""Facts that a picture carries in its own bytes, from each block of metadata that it has."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

from PIL import Image

from indexer.metadata.comments import comment_facts
from indexer.metadata.exif import exif_facts
from indexer.metadata.fact import Fact
from indexer.metadata.iptc import iptc_facts
from indexer.metadata.xmp import MAX_BYTES, xmp_facts

_GIF_END = b"\x01\xff\xfe\xfd"
_EXIF_BLOCKS = ("exif", "Raw profile type exif")


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
    # The tags of these are their EXIF. Without a block, Pillow would decode a whole PNG for it.
    if image.format in ("TIFF", "RAW") or any(image.info.get(name) for name in _EXIF_BLOCKS):
        yield from exif_facts(image.getexif())


def _xmp(image: Image.Image) -> Iterator[Fact]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    packet = packet or _raw(image) or _in_gif(image)
    if isinstance(packet, bytes | str) and packet:
        yield from xmp_facts(packet)


def _in_gif(image: Image.Image) -> bytes:
    """The packet in an extension of a GIF, which ends with 256 bytes of descending values."""
    name, offset = image.info.get("extension", (b"", 0))[:2]
    file = getattr(image, "fp", None)
    if name != b"XMP DataXMP" or not isinstance(file, io.BytesIO):
        return b""
    packet = file.getvalue()[offset : offset + MAX_BYTES]
    end = packet.find(_GIF_END)
    return packet[:end] if end > 0 else b""


def _raw(image: Image.Image) -> bytes:
    """The packet as ImageMagick writes it into a PNG: its name, its length, and hexadecimal."""
    text = image.info.get("Raw profile type xmp")
    if not isinstance(text, str):
        return b""
    return bytes.fromhex("".join(text.split()[2:]))
