"""Captions inside a picture file: EXIF, IPTC, XMP and PNG texts."""

from collections.abc import Callable, Iterable, Iterator

from PIL import Image, IptcImagePlugin

from indexer.captions.caption import Caption, captions_of, united
from indexer.captions.xmp import xmp_texts

_IMAGE_DESCRIPTION = 0x010E
_XP_TITLE, _XP_COMMENT, _XP_KEYWORDS, _XP_SUBJECT = 0x9C9B, 0x9C9C, 0x9C9E, 0x9C9F
_IPTC_KEYWORDS, _IPTC_CAPTION = (2, 25), (2, 120)


def embedded_captions(image: Image.Image) -> tuple[Caption, ...]:
    """Return the captions in an opened picture's metadata; damaged metadata gives none."""
    readers = (("exif", _exif), ("iptc", _iptc), ("xmp", _xmp), ("png", _png))
    return united(*(captions_of(_survived(read, image), source) for source, read in readers))


def _survived(read: Callable[[Image.Image], Iterator[str]], image: Image.Image) -> list[str]:
    texts: list[str] = []
    try:
        texts.extend(read(image))
    except Exception:  # a damaged block may raise anything, and the picture is still good
        return texts
    return texts


def _exif(image: Image.Image) -> Iterator[str]:
    if image.format == "PNG" and not _has_exif(image):
        return  # Pillow would decode the whole picture to look for EXIF behind the pixels
    exif = image.getexif()
    yield _from_latin1(exif.get(_IMAGE_DESCRIPTION))
    for tag in (_XP_TITLE, _XP_SUBJECT, _XP_COMMENT):
        yield _from_utf16(exif.get(tag))
    yield ", ".join(_split(_from_utf16(exif.get(_XP_KEYWORDS))))


def _has_exif(image: Image.Image) -> bool:
    return "exif" in image.info or "Raw profile type exif" in image.info


def _from_latin1(value: object) -> str:
    """Undo Pillow's reading of EXIF texts as Latin-1: most programs write UTF-8."""
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if not isinstance(value, str):
        return ""
    try:
        return _guessed(value.encode("latin-1"))
    except UnicodeEncodeError:
        return value


def _from_utf16(value: object) -> str:
    if isinstance(value, tuple):
        value = bytes(value)
    if not isinstance(value, bytes):
        return ""
    return value.decode("utf-16-le", "ignore").partition("\0")[0]


def _split(keywords: str) -> Iterable[str]:
    return (word.strip() for word in keywords.split(";") if word.strip())


def _iptc(image: Image.Image) -> Iterator[str]:
    info = IptcImagePlugin.getiptcinfo(image) or {}  # type: ignore[arg-type]
    yield from _iptc_texts(info.get(_IPTC_CAPTION))
    yield ", ".join(_iptc_texts(info.get(_IPTC_KEYWORDS)))


def _iptc_texts(value: object) -> Iterator[str]:
    for data in value if isinstance(value, list) else [value]:
        if isinstance(data, bytes):
            yield _guessed(data)


def _guessed(data: bytes) -> str:
    """Decode UTF-8, declared or not, otherwise Windows-1252."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _xmp(image: Image.Image) -> Iterator[str]:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(packet, bytes | str):
        yield from xmp_texts(packet)


def _png(image: Image.Image) -> Iterator[str]:
    if image.format == "PNG":
        for key in ("Description", "Title"):
            text = image.info.get(key)
            if isinstance(text, str):
                yield text
