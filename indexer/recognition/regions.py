"""Regions: the parts of a picture around places that may be text, none overlapping another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Box: TypeAlias = NDArray[np.floating]  # the corners (4, 2) of a place, across and down

_MARGIN = 1.0  # around a place, as a share of its shorter side: detection wants some ground
_LEAST_MARGIN = 16  # pixels


class Region(NamedTuple):
    """A rectangle of whole pixels, from `left` and `top` up to, but without, the others."""

    left: int
    top: int
    right: int
    bottom: int

    def overlaps(self, other: Region) -> bool:
        """Whether both have pixels in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def around(self, other: Region) -> Region:
        """The smallest region that has both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Region(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


def regions_of(boxes: Iterable[Box], width: int, height: int) -> list[Region]:
    """The regions of a picture with all places, from the top; those that overlap become one."""
    found: list[Region] = []
    for box in boxes:
        region = _around(box, width, height)
        while touching := [one for one in found if one.overlaps(region)]:
            found = [one for one in found if one not in touching]
            for one in touching:
                region = region.around(one)
        found.append(region)
    return sorted(found, key=lambda region: (region.top, region.left))


def _around(box: Box, width: int, height: int) -> Region:
    sides = np.linalg.norm(box - np.roll(box, 1, axis=0), axis=1)
    margin = max(_LEAST_MARGIN, _MARGIN * float(sides.min()))
    left, top = np.floor(box.min(axis=0) - margin).astype(int).tolist()
    right, bottom = np.ceil(box.max(axis=0) + margin).astype(int).tolist()
    return Region(max(0, left), max(0, top), min(width, right), min(height, bottom))
