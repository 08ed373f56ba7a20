"""An encoder that costs nearly nothing and is as wide as the built-in one: a random projection.

Each process that opens it adds a line to the file that `PICFUSE_TINY_OPENED` names, so that a
benchmark can tell whether a command needed an encoder at all.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import unit_rows
from indexer.pictures.transform import ImageTransform

DIM, SIDE = 512, 4
OPENED = "PICFUSE_TINY_OPENED"
_PIXELS = np.random.default_rng(1).standard_normal((SIDE * SIDE * 3, DIM), np.float32)


class TinyEncoder:
    """`tiny`: pixels, and the bytes of a text's hash, projected to 512 dimensions."""

    name = "tiny"
    dim = DIM
    transform = ImageTransform(size=SIDE, resize="squash", interpolation="bilinear")
    fingerprint = hashlib.sha256(b"tiny 1").hexdigest()[:32]
    means: Mapping[str, NDArray[np.float32]] = {}

    def encode_images(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Rows (n, 512) of pixels (n, 4, 4, 3)."""
        return unit_rows((images.reshape(len(images), -1).astype(np.float32) - 127.3) @ _PIXELS)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Rows (n, 512) of texts."""
        return unit_rows(np.array([_hashed(text) for text in texts]).reshape(-1, DIM))


def _hashed(text: str) -> NDArray[np.float32]:
    digest = hashlib.blake2b(text.encode(), digest_size=48).digest()
    found: NDArray[np.float32] = np.frombuffer(digest, np.uint8).astype(np.float32) - 127.3
    return np.asarray(found @ _PIXELS, np.float32)


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> TinyEncoder:
    """The encoder behind `tiny`."""
    if os.environ.get(OPENED):
        with Path(os.environ[OPENED]).open("a") as file:
            file.write(f"{os.getpid()}\n")
    return TinyEncoder()
