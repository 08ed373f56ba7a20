"""Alignment: the part that two shots of a scene share, brought to the same place in both.

The next shot of a burst is a little moved, turned or closer. The movement is found by least squares
over the brightness (Lucas and Kanade 1981), on small pictures first.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDES, STEPS = (40, 80, 160), 8  # longer sides on which the movement is refined; steps on each
MOST_SHIFT, MOST_TURN = 0.08, 0.12  # of the longer side; radians, and change of scale
LEAST_SHARED = 0.7  # of the area
_EDGE = 0.06  # of the longer side, that may have moved out of the picture
_OUTLIER = 0.3  # standard deviations of brightness from which on a pixel counts less
_BICUBIC_REACH = 2  # pixels at the edge that mix with what is outside
Plane: TypeAlias = NDArray[np.float32]  # (height, width)
Movement: TypeAlias = NDArray[np.float64]  # right, down, scale, turn; longer sides are 1 long


def shared_parts(one: Image.Image, other: Image.Image) -> tuple[Image.Image, Image.Image] | None:
    """The part of `one` (RGB) that `other` shows too, and the same of `other`, of one size.

    None if the shots have moved too far apart.
    """
    movement = np.zeros(4)
    for side in SIDES:
        movement = _refined(movement, _small(one, side), _small(other, side))
        if np.abs(movement[:2]).max() > MOST_SHIFT or np.abs(movement[2:]).max() > MOST_TURN:
            return None
    box = _shared_box(one.size, other.size, movement)
    if (box[2] - box[0]) * (box[3] - box[1]) < LEAST_SHARED * one.width * one.height:
        return None
    place = _affine(movement, one.size, other.size)
    moved = other.transform(
        one.size, Image.Transform.AFFINE, tuple(place), Image.Resampling.BICUBIC
    )
    return one.crop(box), moved.crop(box)


def _small(image: Image.Image, side: int) -> Image.Image:
    """The brightness (mode F, mean 0, deviation 1) at a longer side of at most `side` pixels."""
    scale = min(1.0, side / max(image.size))
    size = (max(8, round(image.width * scale)), max(8, round(image.height * scale)))
    grey = np.asarray(image.convert("L").resize(size, Image.Resampling.HAMMING), np.float32)
    return Image.fromarray((grey - grey.mean()) / (grey.std() + 1e-3))


def _affine(movement: Movement, size: tuple[int, int], source: tuple[int, int]) -> Movement:
    """Six numbers (a to f) that take a pixel of a picture of `size` to its place in `source`."""
    across, down, scale, turn = movement
    length, longer = max(source), max(source) / max(size)
    a, b = (1 + scale) * longer, -turn * longer
    middle = np.array(size) / 2
    right = source[0] / 2 + across * length - a * middle[0] - b * middle[1]
    below = source[1] / 2 + down * length + b * middle[0] - a * middle[1]
    return np.array([a, b, right, -b, a, below])


def _refined(movement: Movement, one: Image.Image, other: Image.Image) -> Movement:
    """The movement after some steps towards the least difference of two small pictures."""
    expected = np.asarray(one)
    height, width = expected.shape
    longer = max(width, height)
    edge = max(2, round(longer * _EDGE))
    inner = (slice(edge, -edge), slice(edge, -edge))
    down, across = np.mgrid[0:height, 0:width].astype(np.float32)
    across, down = (across + 0.5 - width / 2) / longer, (down + 0.5 - height / 2) / longer
    for _ in range(STEPS):
        place = tuple(_affine(movement, one.size, other.size))
        moved = np.asarray(
            other.transform(one.size, Image.Transform.AFFINE, place, Image.Resampling.BILINEAR)
        )
        below, right = (slope * longer for slope in np.gradient(moved))
        slopes = [right, below, right * across + below * down, below * across - right * down]
        slopes += [np.ones_like(moved), moved]  # other light
        step = _least_squares([slope[inner] for slope in slopes], (expected - moved)[inner])[:4]
        movement = movement + step
        if np.abs(step).max() * longer < 0.02:
            break
    return movement


def _least_squares(slopes: list[Plane], left: Plane) -> Movement:
    """The step that leaves least; pixels that differ much, as moving things do, count less."""
    weights = 1 / (1 + np.abs(left.ravel()) / _OUTLIER)
    table = np.stack([slope.ravel() for slope in slopes], axis=1)
    weighted = table * weights[:, None]
    square = table.T @ weighted + 1e-6 * np.eye(len(slopes))
    return np.linalg.solve(square, weighted.T @ left.ravel()).astype(np.float64)


def _shared_box(
    size: tuple[int, int], source: tuple[int, int], movement: Movement
) -> tuple[int, int, int, int]:
    """The left, top, right and bottom of what a picture of `size` shares with `source`."""
    a, b, right, c, d, below = _affine(movement, size, source)
    back = np.linalg.inv(np.array([[a, b], [c, d]]))
    width, height = source
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)]) - (right, below)
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = corners @ back.T
    return (
        int(np.ceil(max(0, x0, x3))) + _BICUBIC_REACH,
        int(np.ceil(max(0, y0, y1))) + _BICUBIC_REACH,
        int(min(size[0], x1, x2)) - _BICUBIC_REACH,
        int(min(size[1], y2, y3)) - _BICUBIC_REACH,
    )
