"""Overlapping parts of pictures that are much longer than they are wide, or the other way round.

Squeezed into a square, a panorama shows nothing that is small in it. So it is looked at part by
part, and `indexer/encoders/parts.py` makes one embedding of all.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.pictures.transform import ImageTransform

NO_PARTS = np.empty((0, 0, 0, 3), np.uint8)

_LONGEST = 2.5  # of the longer side to the shorter one; beyond it, a picture is cut into parts
_OVERLAP = 0.5  # of neighbours: what is cut by one is whole in the next
_MAX_PARTS = 16
_LEAST_SIDE = 64  # pixels of the shorter side: with fewer, there is nothing small to see


def parts_of(image: Image.Image) -> list[Image.Image]:
    """Squares along the longer side of a picture that overlap by half; none for an ordinary one.

    Of a very long picture, at most 16 parts are longer than squares, and overlap as well.
    """
    short, long = sorted(image.size)
    if long <= _LONGEST * short or short < _LEAST_SIDE:
        return []
    steps = min(math.ceil((long / short - 1) / (1 - _OVERLAP)), _MAX_PARTS - 1)
    length = max(short, long / (steps * (1 - _OVERLAP) + 1))
    starts = [round(step * (long - length) / steps) for step in range(steps + 1)]
    spans = [(start, min(long, start + round(length))) for start in starts]
    if image.width >= image.height:
        return [image.crop((start, 0, end, image.height)) for start, end in spans]
    return [image.crop((0, start, image.width, end)) for start, end in spans]


def transformed_parts(transform: ImageTransform, image: Image.Image) -> NDArray[np.uint8]:
    """The parts of a picture as prepared for an encoder, (n, size, size, 3); n is mostly 0."""
    parts = parts_of(image)
    return np.stack([transform(part) for part in parts]) if parts else NO_PARTS
