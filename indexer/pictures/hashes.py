"""Hashes of contents, and of looks (alike for resized, recompressed or brightened copies)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.kinds.members import open_file

if TYPE_CHECKING:
    from PIL import Image

SIDE, LOW = 32, 8  # side of the grey square in pixels; frequencies kept per axis
BITS = LOW * LOW
_BILINEAR = 2  # `Image.Resampling.BILINEAR`: as a number, so that hashing bytes loads no Pillow
_COSINES = np.cos(np.pi / SIDE * (np.arange(SIDE) + 0.5)[None] * np.arange(LOW)[:, None])


def perceptual_hash(image: Image.Image) -> bytes:
    """8 bytes: one bit per low frequency of the grey picture, set if it is above their median.

    The pHash of Zauner 2010 ("Implementation and benchmarking of perceptual image hash
    functions"): a discrete cosine transform without the mean brightness.
    """
    grey = image.convert("L").resize((SIDE, SIDE), _BILINEAR, reducing_gap=2.0)
    waves: NDArray[np.float64] = (_COSINES @ np.asarray(grey, float) @ _COSINES.T).ravel()
    waves[np.abs(waves) < 1e-6] = 0  # a plain picture has no waves except by rounding
    bits = waves > np.median(waves[1:])
    bits[0] = False
    return np.packbits(bits).tobytes()


def hash_bytes(content: bytes) -> bytes:
    """Return the 16 bytes by which the library identifies this content."""
    return hashlib.blake2b(content, digest_size=16).digest()


def content_hash(path: str | bytes | Path) -> bytes:
    """Return `hash_bytes` of a file's contents, read in pieces."""
    with open_file(path) as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()  # type: ignore[arg-type]
