"""Hashes: of contents, and of looks (alike for copies that were resized, recompressed or lit)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

SIDE, LOW = 32, 8  # pixels of the grey square, and frequencies kept of each axis
BITS = LOW * LOW
_BILINEAR = 2  # `Image.Resampling.BILINEAR`: a query that hashes bytes only loads no Pillow
_COSINES = np.cos(np.pi / SIDE * (np.arange(SIDE) + 0.5)[None] * np.arange(LOW)[:, None])


def perceptual_hash(image: Image.Image) -> bytes:
    """8 bytes: which of the lowest frequencies of the grey picture are above their median.

    The pHash of Zauner 2010 ("Implementation and benchmarking of perceptual image hash
    functions"): a discrete cosine transform, of which the mean brightness does not count.
    """
    grey = image.convert("L").resize((SIDE, SIDE), _BILINEAR, reducing_gap=2.0)
    waves: NDArray[np.float64] = (_COSINES @ np.asarray(grey, float) @ _COSINES.T).ravel()
    waves[np.abs(waves) < 1e-6] = 0  # a plain picture has no waves, but for rounding
    bits = waves > np.median(waves[1:])
    bits[0] = False
    return np.packbits(bits).tobytes()


def hash_bytes(content: bytes) -> bytes:
    """Return the 16 bytes under which the library knows this content."""
    return hashlib.blake2b(content, digest_size=16).digest()


def content_hash(path: str | bytes | Path) -> bytes:
    """Return `hash_bytes` of a file's contents, read in pieces."""
    with open(path, "rb") as file:  # noqa: PTH123 - the path may be bytes
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
