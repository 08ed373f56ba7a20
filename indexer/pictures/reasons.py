"""Reasons why a picture file cannot be read, in one line that says what helps."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from PIL import Image, UnidentifiedImageError

from indexer.errors import PictureError
from indexer.kinds.signatures import (
    ARCHIVE,
    AUDIO,
    DOCUMENT,
    DRAWING,
    HEAD_BYTES,
    OTHER_PICTURE,
    PICTURES,
    POINTER,
    VIDEO,
    WEB_PAGE,
    kind_of,
)

READ_ERRORS = {
    errno.EACCES: "permission denied (make the file readable for this user)",
    errno.EPERM: "permission denied (make the file readable for this user)",
    errno.ENOENT: "no such file (if it was moved, index its folder again)",
    errno.EISDIR: "not a regular file (only files are read)",
    errno.ENXIO: "not a regular file (only files are read)",
}
_NAMES = {"HEIF": "HEIC", "JPEG2000": "JPEG 2000"}  # of kinds, as people call them
_CONVERT = "save it as JPEG or PNG to index it"
_OTHER = {  # kinds of contents that are no picture to index, and what helps
    POINTER: "fetch the picture itself with 'git lfs pull'",
    WEB_PAGE: "download the picture again: a server sent its page instead",
    DRAWING: _CONVERT,
    OTHER_PICTURE: _CONVERT,
    DOCUMENT: _CONVERT,
    ARCHIVE: "unpack it and index the pictures in it",
    VIDEO: "give it the suffix of a video",
    AUDIO: "give it the suffix of a sound",
}
_COMPRESSION = 259  # the tag of a TIFF
_COMPRESSIONS = {  # that libtiff may lack, or never had
    34712: "JPEG 2000",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    52546: "JPEG XL",
}
_SIGNS_OF_AN_END = ("truncated", "end of file", "end of data", "eof", "not enough")
_PLAINLY = {  # messages of decoders in plain words
    "could not create decoder object": "it ends early or is inconsistent",
    "tile cannot extend outside image": "its parts do not match its size",
}


@contextmanager
def reasons(content: bytes = b"") -> Iterator[None]:
    """Turn any error of Pillow into a `PictureError` with a reason."""
    try:
        yield
    except (PictureError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise PictureError(_unusual_tiff(content) or _unknown(content)) from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error ...
        reason = " ".join(str(error).split()) or type(error).__name__
        if ends_early(reason):
            reason = "truncated: the file ends before the picture does"
        else:
            reason = f"damaged: {_PLAINLY.get(reason, reason)}"
        if unusual := _unusual_tiff(content):
            raise PictureError(unusual) from error
        raise PictureError(f"{reason} (copy it again from its source)") from error


def _unknown(content: bytes) -> str:
    """The reason for contents that no decoder accepts."""
    kind = kind_of(content[:HEAD_BYTES])
    if kind in PICTURES:
        return (
            f"damaged, cut short or unusual: it begins like {_NAMES.get(kind, kind)}, but cannot be"
            " decoded (copy it again from its source, or save it again in another program)"
        )
    if kind:
        article = "an" if kind[0] in "aeiou" else "a"
        return f"not a picture that picfuse reads, but {article} {kind}{_helps(kind)}"
    return "not a picture (or damaged at its start): unknown format"


def _helps(kind: str) -> str:
    return f" ({_OTHER[kind]})" if kind in _OTHER else ""


def _unusual_tiff(content: bytes) -> str:
    """The reason for a TIFF whose pixels are packed in a way that Pillow cannot unpack."""
    if kind_of(content[:HEAD_BYTES]) != "TIFF":
        return ""
    tags = Image.Exif()
    with suppress(Exception):
        tags.load(content)
    packed = _COMPRESSIONS.get(tags.get(_COMPRESSION, 1))
    return f"a TIFF with {packed} inside, which is not decoded here ({_CONVERT})" if packed else ""


def ends_early(reason: str) -> bool:
    """Whether a decoder complains that the file is too short."""
    lowered = reason.lower()
    return any(sign in lowered for sign in _SIGNS_OF_AN_END)
