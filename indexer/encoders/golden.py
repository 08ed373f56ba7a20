"""A fixed picture and a fixed sentence, to notice when an encoder's output changes.

An updated package or another processor's arithmetic may change the output of an encoder without
changing its weights. A library keeps the embeddings of these two from the encoder's first use;
`picfuse doctor` encodes them again.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from indexer.embedding import Golden
from indexer.encoders.protocol import Encoder, Pixels

SENTENCE = "a brown dog runs through shallow water beside two red boats"
TOLERANCE = 0.002  # of the cosine; the rounding of other processors differs by far less


def golden_pixels(size: int) -> Pixels:
    """The picture, (1, size, size, 3): waves and squares, computed with integers only."""
    y, x = np.mgrid[0:size, 0:size]
    red = (x * 255) // max(size - 1, 1)
    green = ((x // 16 + y // 16) % 2) * 160 + 40
    blue = (x * y * 7) // max(size, 1) % 256
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)[None]


def golden_of(encoder: Encoder) -> Golden:
    """Encode both today. The first call exports the towers, so that no query waits for it."""
    with ThreadPoolExecutor(1) as other:  # opens both towers at once
        image = other.submit(encoder.encode_images, golden_pixels(encoder.transform.size))
        text = encoder.encode_texts([SENTENCE])
        return Golden(image.result()[0], text[0])


def least_cosine(before: Golden, now: Golden) -> float:
    """The smaller of the cosines of both pictures and of both sentences."""
    return float(min(before.image @ now.image, before.text @ now.text))
