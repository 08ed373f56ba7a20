"""Reasons why a picture file cannot be read, in one line that says what helps."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import UnidentifiedImageError

from indexer.errors import PictureError

READ_ERRORS = {
    errno.EACCES: "permission denied (make the file readable for this user)",
    errno.EPERM: "permission denied (make the file readable for this user)",
    errno.ENOENT: "no such file (if it was moved, index its folder again)",
    errno.EISDIR: "not a regular file (only files are read)",
    errno.ENXIO: "not a regular file (only files are read)",
}
_SIGNATURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC"}
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
        raise PictureError(_unknown(content)) from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error ...
        reason = " ".join(str(error).split()) or type(error).__name__
        if ends_early(reason):
            reason = "truncated: the file ends before the picture does"
        else:
            reason = f"damaged: {_PLAINLY.get(reason, reason)}"
        raise PictureError(f"{reason} (copy it again from its source)") from error


def _unknown(content: bytes) -> str:
    """The reason for contents that no decoder accepts."""
    name = next((name for sign, name in _SIGNATURES.items() if content.startswith(sign)), "")
    if content[4:8] == b"ftyp":
        name = _BRANDS.get(content[8:12], "")
    if not name:
        return "not a picture (or damaged at its start): unknown format"
    return (
        f"damaged, cut short or unusual: it begins like {name}, but cannot be decoded"
        " (copy it again from its source, or save it again in another program)"
    )


def ends_early(reason: str) -> bool:
    """Whether a decoder complains that the file is too short."""
    lowered = reason.lower()
    return any(sign in lowered for sign in ("truncated", "end of file", "end of data", "eof"))
