"""A picture and a sentence that never change, to notice when an encoder does.

An update of a library, or another processor's arithmetic, may change what an encoder gives
without changing its weights. Its embeddings of these two are kept when it first comes to a
library; `picfuse doctor` asks for them again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from indexer.embedding import Golden
from indexer.encoders.protocol import Encoder, Pixels

SENTENCE = "a brown dog runs through shallow water beside two red boats"
TOLERANCE = 0.002  # of the cosine: other processors round otherwise, by far less


def golden_pixels(size: int) -> Pixels:
    """The picture, (1, size, size, 3): waves and squares, from whole numbers alone."""
    y, x = np.mgrid[0:size, 0:size]
    red = (x * 255) // max(size - 1, 1)
    green = ((x // 16 + y // 16) % 2) * 160 + 40
    blue = (x * y * 7) // max(size, 1) % 256
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)[None]


def golden_of(encoder: Encoder) -> Golden:
    """What an encoder gives today; the first call exports its towers, so that no query waits."""
    with ThreadPoolExecutor(1) as other:  # towers are opened side by side
        image = other.submit(encoder.encode_images, golden_pixels(encoder.transform.size))
        text = encoder.encode_texts([SENTENCE])
        return Golden(image.result()[0], text[0])


def agreement(before: Golden, now: Golden) -> float:
    """The smaller of the two cosines."""
    return float(min(before.image @ now.image, before.text @ now.text))
