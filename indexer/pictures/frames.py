"""The frame of an animation, or the page of a document, that stands for the whole picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
from PIL import Image

_SIDE = 64  # pixels of a frame's copy that is judged
_LEVELS = 32  # of grey
_TELLING = 2.0  # bits of entropy: a frame of black, of one colour or of a title has less
_LOOKED_AT = 8  # frames besides the first, spread over the beginning
_FARTHEST = 240  # frame: to reach one, those before it have to be decoded
_FORMATS = ("GIF", "PNG", "WEBP", "AVIF", "TIFF")  # others hold parts or variants of one picture
_REDUCED, _NEW_SUBFILE_TYPE = 1, 0x00FE


def seek_most_telling(image: Image.Image, check_size: Callable[[int, int], None]) -> None:
    """Move an opened picture to its first frame that shows something, or that shows most.

    Nothing is decoded of a picture with one frame. Frames that cannot be decoded count for nothing.
    """
    if image.format not in _FORMATS or not getattr(image, "is_animated", False):
        return
    best, most = 0, _told(image, 0, check_size)
    if most >= _TELLING:
        return
    last = min(getattr(image, "n_frames", 1), _FARTHEST) - 1
    step = max(1, last // _LOOKED_AT)
    for frame in range(step, last + 1, step):
        told = _told(image, frame, check_size)
        if told > most:
            best, most = frame, told
        if most >= _TELLING:
            break
    image.seek(best)


def _told(image: Image.Image, frame: int, check_size: Callable[[int, int], None]) -> float:
    """The entropy of a frame's greys, in bits; -1 for none to look at."""
    with suppress(EOFError, OSError, ValueError, SyntaxError, TypeError):
        image.seek(frame)
        if frame and _is_reduced(image):
            return -1.0
        check_size(*image.size)
        return _entropy(image)
    return -1.0


def _is_reduced(image: Image.Image) -> bool:
    """Whether a page of a TIFF is a smaller copy of another one."""
    tags = getattr(image, "tag_v2", {})
    return bool(tags.get(_NEW_SUBFILE_TYPE, 0) & _REDUCED)


def _entropy(image: Image.Image) -> float:
    small = image.convert("RGBA") if image.has_transparency_data else image.convert("RGB")
    small = small.resize((_SIDE, _SIDE), Image.Resampling.BOX)
    white = Image.new("RGB", small.size, "white")
    white.paste(small, mask=small.getchannel("A") if small.mode == "RGBA" else None)
    greys = np.asarray(white.convert("L")).ravel() // (256 // _LEVELS)
    shares = np.bincount(greys, minlength=_LEVELS) / greys.size
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
