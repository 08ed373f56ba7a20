"""Kinds of contents, told by the first bytes of a file."""

from __future__ import annotations

from collections.abc import Mapping

HEAD_BYTES = 512  # that tell the kind; the mark of a tar lies at 257

RAW, JPEG_XL = "RAW", "JPEG XL"
VIDEO, AUDIO, ARCHIVE, DOCUMENT = "video", "audio file", "archive", "document"
DRAWING, OTHER_PICTURE, TABLE = "vector drawing", "picture of another format", "table"
PROGRAM, WEB_PAGE, POINTER = "program", "web page", "Git LFS pointer"
UNKNOWN = ""

PICTURES = frozenset(  # kinds that can be decoded, some of them by an optional decoder
    {"JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF", "HEIF", "JPEG2000", "PSD", "QOI", "PPM"}
    | {RAW, JPEG_XL}
)

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
    (b"IIRO", RAW),  # Olympus
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\0", RAW),  # Panasonic, Leica
    (b"FUJIFILMCCD-RAW", RAW),
    (b"FOVb", RAW),  # Sigma
    (b"\0MRM", RAW),  # Minolta
    (b"II\x1a\0\0\0HEAPCCDR", RAW),  # Canon before CR2
    (b"\0\0\0\x0cJXL \r\n\x87\n", JPEG_XL),
    (b"\xff\x0a", JPEG_XL),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG2000"),
    (b"\xff\x4f\xff\x51", "JPEG2000"),
    (b"8BPS\0\1", "PSD"),
    (b"8BPS\0\2", OTHER_PICTURE),  # the large documents of Photoshop
    (b"qoif", "QOI"),
    (b"II\xbc\1", OTHER_PICTURE),  # JPEG XR
    (b"\x76\x2f\x31\x01", OTHER_PICTURE),  # OpenEXR
    (b"#?RADIANCE", OTHER_PICTURE),
    (b"gimp xcf", OTHER_PICTURE),
    (b"DDS ", OTHER_PICTURE),
    (b"\0\0\1\0", OTHER_PICTURE),  # icons
    (b"icns", OTHER_PICTURE),
    (b"BPG\xfb", OTHER_PICTURE),
    (b"%PDF", DOCUMENT),
    (b"AT&TFORM", DOCUMENT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", DOCUMENT),
    (b"{\\rtf", DOCUMENT),
    (b"%!PS", DRAWING),
    (b"\xc5\xd0\xd3\xc6", DRAWING),
    (b"\xd7\xcd\xc6\x9a", DRAWING),
    (b"PK\3\4", ARCHIVE),
    (b"PK\5\6", ARCHIVE),
    (b"\x1f\x8b", ARCHIVE),
    (b"BZh", ARCHIVE),
    (b"\xfd7zXZ\0", ARCHIVE),
    (b"7z\xbc\xaf\x27\x1c", ARCHIVE),
    (b"Rar!\x1a\7", ARCHIVE),
    (b"\x28\xb5\x2f\xfd", ARCHIVE),
    (b"\x1a\x45\xdf\xa3", VIDEO),
    (b"\0\0\1\xba", VIDEO),
    (b"\0\0\1\xb3", VIDEO),
    (b"FLV\1", VIDEO),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),
    (b"OggS", AUDIO),
    (b"fLaC", AUDIO),
    (b"ID3", AUDIO),
    (b"FORM", AUDIO),
    (b"PAR1", TABLE),
    (b"\x7fELF", PROGRAM),
    (b"MZ", PROGRAM),
    (b"version https://git-lfs", POINTER),
)
_RIFF: Mapping[bytes, str] = {b"WEBP": "WEBP", b"AVI ": VIDEO, b"WAVE": AUDIO}
_BRANDS: Mapping[bytes, str] = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm"), "HEIF"),
    **dict.fromkeys((b"hevs", b"mif1", b"msf1", b"mif2"), "HEIF"),
    **dict.fromkeys((b"M4A ", b"M4B ", b"F4A "), AUDIO),
    b"crx ": RAW,  # Canon's CR3
}
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes


def kind_of(head: bytes) -> str:
    """The kind of a file by its first `HEAD_BYTES` bytes; `UNKNOWN` if they tell nothing."""
    for start, kind in _STARTS:
        if head.startswith(start):
            return kind
    if head[4:8] == b"ftyp":
        return _media(head)
    if head.startswith(b"RIFF"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3] in b"\n\r\t #" and head[2:3]:
        return "PPM"
    if head[257:262] == b"ustar":
        return ARCHIVE
    if head[:1] == b"\xff" and head[1:2] and head[1] & 0xE0 == 0xE0 and head[1] & 0x06:
        return AUDIO  # frames of MPEG
    return _markup(head)


def _media(head: bytes) -> str:
    """The kind of a file in boxes, by its first brand; "mif1" says no more than "pictures"."""
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))]
    kinds = {_BRANDS[brand] for brand in brands if brand in _BRANDS}
    if brands[0] in (b"mif1", b"msf1", b"mif2") and "AVIF" in kinds:
        return "AVIF"
    return _BRANDS.get(brands[0], VIDEO)


def _markup(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in text and text.startswith(b"<"):
        return DRAWING
    return WEB_PAGE if text.startswith((b"<!doctype html", b"<html", b"<head")) else UNKNOWN
