"""Preparation of pictures for an encoder: the one step between decoded pixels and a tower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # every encoder has a transform, and a text query needs no Pillow
    from PIL import Image

Box = tuple[float, float, float, float]  # left, top, right, bottom
_RESAMPLING = {"bilinear": 2, "bicubic": 3}  # Pillow's numbers


@dataclass(frozen=True, slots=True)
class ImageTransform:
    """The step that makes an encoder's input: uint8 RGB of shape `(size, size, 3)`.

    "squash" ignores the aspect ratio; "shortest" scales the shortest side to `size` and cuts out
    the centre; "longest" scales the longest side to `size` and pads with `fill`.
    """

    size: int
    resize: Literal["squash", "shortest", "longest"]
    interpolation: Literal["bicubic", "bilinear"]
    fill: int = 0

    def __call__(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the prepared pixels of `image` (RGB)."""
        if self.resize == "longest":
            return self._padded(image)
        box = self._centre(image) if self.resize == "shortest" else None
        return np.asarray(self._scaled(image, (self.size, self.size), box))

    def seen(self, width: int, height: int) -> Box:
        """The part of a picture that the pixels show, in shares of its width and height.

        It exceeds the picture (below 0, above 1) where that is padded.
        """
        if self.resize == "squash":
            return 0.0, 0.0, 1.0, 1.0
        shortest, longest = sorted((width, height))
        side = shortest if self.resize == "shortest" else longest
        x, y = side / width / 2, side / height / 2
        return 0.5 - x, 0.5 - y, 0.5 + x, 0.5 + y

    def _scaled(
        self,
        image: Image.Image,
        size: tuple[int, int],
        box: tuple[float, float, float, float] | None = None,
    ) -> Image.Image:
        return image.resize(size, _RESAMPLING[self.interpolation], box, reducing_gap=2.0)

    def _centre(self, image: Image.Image) -> tuple[float, float, float, float]:
        """The part of `image` that scaling and cutting would leave.

        Only that part is scaled: a whole panorama would become hundreds of squares on the way.
        """
        shortest = min(image.size)
        scaled = [side * self.size // shortest for side in image.size]
        starts = [round((side - self.size) / 2) for side in scaled]
        steps = [side / after for side, after in zip(image.size, scaled, strict=True)]
        left, top = (start * step for start, step in zip(starts, steps, strict=True))
        right, bottom = (
            min((start + self.size) * step, side)
            for start, step, side in zip(starts, steps, image.size, strict=True)
        )
        return left, top, right, bottom

    def _padded(self, image: Image.Image) -> NDArray[np.uint8]:
        scale = self.size / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        square = np.full((self.size, self.size, 3), self.fill, np.uint8)
        left, top = (self.size - width) // 2, (self.size - height) // 2
        scaled = np.asarray(self._scaled(image, (width, height)))
        square[top : top + height, left : left + width] = scaled
        return square
