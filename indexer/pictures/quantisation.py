"""Quantisation: how coarsely a JPEG rounded the waves of its picture, and what that explains.

A JPEG cuts a picture into blocks of 8 x 8 pixels, turns each into 64 waves (a discrete cosine
transform) and keeps whole multiples of a step of each. A copy therefore lies within half a step of
the picture it was made from, in every wave of every block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

SIDE = 8  # pixels of a block
ROUNDING = 0.5  # levels of a wave that rounding to whole levels of pixels leaves
Plane: TypeAlias = NDArray[np.float32]  # (height, width), in levels of 0 to 255
Waves: TypeAlias = NDArray[np.float32]  # (rows, columns, 8, 8): of each block
_HALVED_BOTH_WAYS = 2  # Pillow's number for colours of half the width and height
_SLOW = 4  # waves across and down that a small thing cannot do without
_FREQUENCY, _PLACE = np.mgrid[0:SIDE, 0:SIDE]
_COSINES = np.where(_FREQUENCY == 0, np.sqrt(1 / SIDE), np.sqrt(2 / SIDE)) * np.cos(
    np.pi * (2 * _PLACE + 1) * _FREQUENCY / (2 * SIDE)
)
_COSINES = _COSINES.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """The steps (8, 8) of a JPEG's brightness and colours, in levels, lowest frequencies first.

    `halved`: whether colours are stored at half the width and height.
    """

    grey: Plane
    colour: Plane
    halved: bool

    @property
    def coarseness(self) -> float:
        """The mean step of the slow waves of brightness."""
        return float(self.grey[:_SLOW, :_SLOW].mean())

    def are(self, other: Steps) -> bool:
        """Whether these are the steps of a JPEG, and the other's too."""
        return bool(self.grey.any() and np.array_equal(self.grey, other.grey))

    def scaled(self, scale: float) -> Steps:
        """The steps that are left, roughly, when the picture is made smaller by a scale below 1."""
        return Steps(self.grey * np.float32(scale), self.colour * np.float32(scale), halved=False)


NO_STEPS = Steps(
    np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32), halved=False
)


def steps_of(image: Image.Image) -> Steps:
    """The steps of an opened file, before it is decoded; `NO_STEPS` if it is no JPEG."""
    if not isinstance(image, JpegImagePlugin.JpegImageFile) or not image.quantization:
        return NO_STEPS
    tables = [
        np.array(table, np.float32).reshape(SIDE, SIDE)
        for _, table in sorted(image.quantization.items())
    ]
    halved = JpegImagePlugin.get_sampling(image) == _HALVED_BOTH_WAYS
    return Steps(tables[0], tables[min(1, len(tables) - 1)], halved)


def waves(plane: Plane) -> Waves:
    """The waves of each block; the edges are continued to whole blocks."""
    height, width = plane.shape
    whole = np.pad(plane, ((0, -height % SIDE), (0, -width % SIDE)), mode="edge")
    rows, columns = whole.shape[0] // SIDE, whole.shape[1] // SIDE
    down = np.matmul(_COSINES, whole.reshape(rows, SIDE, columns * SIDE))
    across: Waves = down.reshape(rows, SIDE, columns, SIDE) @ _COSINES.T
    return across.transpose(0, 2, 1, 3)


def unexplained(difference: Plane, steps: Plane) -> Plane:
    """The mean square (rows, columns) of what rounding to these steps cannot have made."""
    left = np.abs(waves(difference)) - (steps / 2 + np.float32(ROUNDING))
    return np.asarray(np.square(np.maximum(left, 0)).mean(axis=(2, 3)), np.float32)


def activity(plane: Plane) -> Plane:
    """The variance (rows, columns) of each block."""
    energy = np.square(waves(plane))
    energy[..., 0, 0] = 0
    return np.asarray(energy.mean(axis=(2, 3)), np.float32)


def touched(places: NDArray[np.bool_]) -> Plane:
    """The blocks (rows, columns) in which any place is marked, and those that are not whole."""
    height, width = places.shape
    whole = np.pad(places, ((0, -height % SIDE), (0, -width % SIDE)), constant_values=True)
    blocks = whole.reshape(whole.shape[0] // SIDE, SIDE, whole.shape[1] // SIDE, SIDE)
    return np.asarray(blocks.max(axis=(1, 3)), np.float32)


def in_pairs(blocks: Plane) -> Plane:
    """Sums over every two by two blocks, since a small thing may lie across their edges."""
    framed = np.pad(blocks, 1)
    sums: Plane = framed[:-1, :-1] + framed[1:, :-1] + framed[:-1, 1:] + framed[1:, 1:]
    return sums
