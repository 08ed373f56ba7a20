"""An encoder that one can compute in one's head: mean colour of a picture, colour words of a text.

The axes are red, green, blue, dark and other: a red picture is (1, 0, 0, 0, 0), a black one
(0, 0, 0, 1, 0); "red and blue" is (1, 0, 1, 0, 0) / sqrt(2); words without a colour are "other".
"""

import hashlib
import os
import time
from pathlib import Path

import numpy as np

from indexer.embedding import IMAGE, TEXT, unit_rows
from indexer.errors import ModelError
from indexer.pictures.transform import ImageTransform

DIM = 5
GATE = "COLOUR_GATE"  # in the environment: a file; while it is there, only one batch is encoded
WORDS = {
    "red": (1, 0, 0, 0, 0),
    "green": (0, 1, 0, 0, 0),
    "blue": (0, 0, 1, 0, 0),
    "black": (0, 0, 0, 1, 0),
    "yellow": (1, 1, 0, 0, 0),
    "purple": (1, 0, 1, 0, 0),
    "white": (1, 1, 1, 0, 0),
}
OTHER = (0, 0, 0, 0, 1)
MEANS = {
    IMAGE: np.array([0.3, 0.2, 0.1, 0.2, 0.0], np.float32),
    TEXT: np.array([0.1, 0.1, 0.2, 0.0, 0.4], np.float32),
}


class ColourEncoder:
    """`colour`; `colour:centred` has means; `colour:2` and so on are other versions of it.

    `images` and `texts` count what it encoded.
    """

    dim = DIM
    transform = ImageTransform(size=8, resize="squash", interpolation="bicubic")

    def __init__(self, name: str, version: str) -> None:
        self.name = name
        self.fingerprint = hashlib.sha256(version.encode()).hexdigest()[:32]
        self.means = MEANS if version == "centred" else {}
        self.images = self.texts = 0

    def encode_images(self, images):
        gate = os.environ.get(GATE)
        while gate and self.images > 1 and Path(gate).exists():  # one: the golden picture
            time.sleep(0.01)
        self.images += len(images)
        colours = np.asarray(images, np.float32).mean(axis=(1, 2)) / 255
        dark = 1 - colours.max(1, initial=0, keepdims=True)
        return unit_rows(np.concatenate([colours, dark, 0 * dark], axis=1))

    def encode_places(self, images):
        """Each place of a grid of 4 by 4 as a picture of its own."""
        cells = np.asarray(images).reshape(-1, 4, 2, 4, 2, 3).swapaxes(2, 3)
        rows = self.encode_images(cells.reshape(-1, 2, 2, 3))
        return rows.reshape(-1, 4, 4, DIM)

    def encode_texts(self, texts):
        self.texts += len(texts)
        return unit_rows(np.array([colour_of(text) for text in texts]).reshape(-1, DIM))


def colour_of(text: str):
    """The sum of a text's colours."""
    named = [WORDS[word] for word in text.lower().split() if word in WORDS]
    return np.sum(named or [OTHER], axis=0)


VERSION = ["1"]  # what `colour` stands for at present


def open_encoder(name: str, rest: str, cache: Path, offline: bool) -> ColourEncoder:
    """The encoder behind `colour` and `colour:VERSION`; a version "missing" cannot be had."""
    if rest == "missing":
        raise ModelError("colour:missing: there is no such model")
    return ColourEncoder(name, rest or VERSION[0])
