"""Copying: whether one picture can have been saved from the other, in every place of it.

The better picture is made as small as the poorer one and brought to its tones. What then differs is
held against what the poorer file's rounding explains (`indexer/pictures/quantisation.py`): other
grain, another digit or one star more are left over, and of a copy next to nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.pictures.likeness import (
    LEAST_SIDE,
    Plane,
    as_grey,
    detail_correlation,
    halved,
    same_proportions,
    tone_curve,
)
from indexer.pictures.quantisation import (
    NO_STEPS,
    SIDE,
    Steps,
    activity,
    in_pairs,
    touched,
    unexplained,
)

SIDES, LEVELS = (100, 150, 320, 500, 900), (0.3, 0.4, 1.0, 1.0, 2.5)
CONTRAST = (
    0.02  # of a place, that may be left over too: programs make pictures smaller each its way
)
MOST = 1.2  # times that at the worst place,
SMALL_MOST, CLEAN = (
    1.35,
    0.05,
)  # or more, if few pixels (below level 1) agree so well in most places
USUAL, LEAST_PLACES = 0.3, 0.8  # and times that at so many places
IDENTICAL = 0.5  # times that where both files have the same steps, so that a copy rounds nothing
OTHER_TONES = 1.5  # times as much where light or contrast were changed
COLOUR, MORE_COLOUR = 4.0, 5.0  # levels, and for each of `LEVELS`
COARSEST = 42.0  # step of slow waves for each of `LEVELS`: a coarser one hides a digit
LEAST_CORRELATION = 0.5  # of fine detail
_SAME_TONES = 0.3  # squared levels left over from which on other tones are tried
_CLIPPED = 0.25  # of what is left over counts where light has cut off levels
_DARK, _BRIGHT, _MUCH = 4, 250, 0.002  # levels that may be cut off; more of all values than chance
_FILTERS = (
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
    Image.Resampling.BILINEAR,
    Image.Resampling.HAMMING,
)  # by which programs make pictures smaller
_COLOURS = np.array(
    [[-0.168736, 0.5], [-0.331264, -0.418688], [0.5, -0.081312]], np.float32
)  # blue and red, as JPEGs store them
_TURNED_BACK = {
    Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
}
_FLAT = np.zeros((SIDE, SIDE), np.float32)
_FLAT[0, 0] = 1000  # no difference of a whole block counts: curves of tones are not that exact
Pixels: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """A picture (RGB, upright), the steps of its file, and the turn that brought it upright."""

    image: Image.Image
    steps: Steps = NO_STEPS
    turn: Image.Transpose | None = None

    @property
    def quality(self) -> tuple[int, float]:
        """A key that sorts the poorest first."""
        return self.image.width * self.image.height, -self.steps.coarseness


@dataclass(frozen=True, slots=True)
class Remainder:
    """The rest of two pictures that copying does not explain.

    `most` and `usual`: at the worst place and at four of five, as a share of what a copy may leave
    there. `colour`, in levels. `saved_alike`: both files have one size and the same steps.
    `coarseness`: the step of the poorer file's slow waves. `correlation` of the fine detail.
    `size`: by how many levels a small thing shows at this resolution, at least. `nothing`: the
    pixels are the same.
    """

    most: float
    usual: float
    colour: float
    coarseness: float
    correlation: float
    size: float
    saved_alike: bool
    nothing: bool

    @property
    def none(self) -> bool:
        """Whether one is a copy of the other, and a change of a digit's size would have shown."""
        return self.nothing or (
            self.most <= self._allowed
            and self.usual <= USUAL
            and self.colour <= COLOUR + MORE_COLOUR * self.size
            and self.coarseness <= COARSEST * self.size
            and self.correlation >= LEAST_CORRELATION
        )

    @property
    def _allowed(self) -> float:
        if self.saved_alike:
            return IDENTICAL
        return SMALL_MOST if self.size < 1 and self.usual <= CLEAN else MOST


def remainder(one: Exposure, other: Exposure) -> Remainder | None:
    """The rest of two pictures at the size of the poorer; None if they cannot be compared."""
    poor, good = sorted((one, other), key=lambda exposure: exposure.quality)
    if min(poor.image.size) < LEAST_SIDE or not same_proportions(poor.image.size, good.image.size):
        return None
    small, large = (_as_stored(exposure.image, poor.turn) for exposure in (poor, good))
    best = min(_ways(np.asarray(small), large, poor.steps), key=lambda way: way.left_over)
    saved_alike = small.size == large.size and poor.steps.are(good.steps)
    return _measured(best, poor.steps, saved_alike=saved_alike)


def _as_stored(image: Image.Image, turn: Image.Transpose | None) -> Image.Image:
    return image if turn is None else image.transpose(_TURNED_BACK.get(turn, turn))


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """A way to make `shown` of `source`, and the mean square that it leaves over.

    `tones` finds the curve from one channel to another, None if they are the same. `gain`: by how
    much they are stretched, and with them the steps of the poorer file.
    """

    shown: Pixels
    source: Pixels
    left_over: float
    tones: Callable[[Pixels, Pixels], Plane] | None = None
    gain: float = 1.0

    def allowed(self, steps: Plane) -> Plane:
        """The steps of `shown`."""
        return steps if self.tones is None else self.gain * steps + _FLAT

    def expected(self) -> NDArray[np.float32]:
        """The pixels of `shown` as they should be."""
        if self.tones is None:
            return self.source.astype(np.float32)
        channels = [
            self.tones(self.source[..., n], self.shown[..., n])[self.source[..., n]]
            for n in range(3)
        ]
        return np.stack(channels, axis=-1)


def _ways(poor: Pixels, good: Image.Image, steps: Steps) -> Iterator[_Way]:
    """The ways to make the poorer picture: by each filter, in the same and in other tones."""
    size = (poor.shape[1], poor.shape[0])
    for filter_ in _FILTERS[: 1 if good.size == size else None]:
        smaller = np.asarray(good if good.size == size else good.resize(size, filter_))
        greys = [_grey(pixels) for pixels in (poor, smaller)]
        apart = np.subtract(greys[0], greys[1], dtype=np.float32)
        left = unexplained(apart, steps.grey).mean()
        yield _Way(poor, smaller, float(left))
        if left > _SAME_TONES:
            yield from _in_other_tones((poor, smaller), greys, steps)


def _in_other_tones(
    pair: tuple[Pixels, Pixels], greys: list[Pixels], steps: Steps
) -> Iterator[_Way]:
    """Towards the brighter one if light has cut off its levels: those cannot be followed back."""
    bright = [np.count_nonzero(pixels >= _BRIGHT) for pixels in pair]
    shown = int(bright[1] - bright[0] > _MUCH * pair[0].size)
    for tones in (tone_curve, _straight):
        curve = tones(greys[1 - shown], greys[shown])
        gain = max(1.0, float(curve[200] - curve[60]) / 140) if shown else 1.0
        left = unexplained(greys[shown] - curve[greys[1 - shown]], gain * steps.grey + _FLAT)
        yield _Way(pair[shown], pair[1 - shown], float(left.mean()), tones, gain)


def _straight(levels: Pixels, others: Pixels) -> Plane:
    """The straight line (256,) from levels to others, but for those that light has cut off.

    What programs do to brightness, contrast and white balance; exact where a picture has few
    shades, and a mean of others for each level is not.
    """
    inside = (others > _DARK) & (others < _BRIGHT)
    some, these = levels[inside].astype(float), others[inside]
    if len(some) < 2 or not some.std():
        return np.arange(256, dtype=np.float32)
    slope = np.cov(some, these)[0, 1] / some.var(ddof=1)
    line = these.mean() + slope * (np.arange(256) - some.mean())
    return np.asarray(line.clip(0, 255), np.float32)


def _measured(way: _Way, steps: Steps, *, saved_alike: bool) -> Remainder:
    shown, expected = way.shown.astype(np.float32), way.expected()
    left = shown - expected
    grey = in_pairs(unexplained(as_grey(left), way.allowed(steps.grey)))
    cut_off = (way.shown >= _BRIGHT + 4) | (way.shown <= 1)
    clipped: Places = cut_off.max(axis=-1)
    grey[in_pairs(touched(clipped)) > 0] *= _CLIPPED
    busy = in_pairs(np.minimum(*(activity(as_grey(pixels)) for pixels in (shown, expected))))
    size = float(np.interp(max(shown.shape), SIDES, LEVELS))
    level = size * (OTHER_TONES if way.tones else 1.0)
    contrast = CONTRAST * (OTHER_TONES if way.tones else 1.0)
    colours = np.matmul(left, _COLOURS, dtype=np.float32)
    if steps.halved:
        colours = halved(colours)
    blue, red = (
        in_pairs(unexplained(colours[..., n], way.allowed(steps.colour))) for n in range(2)
    )
    shares = np.sqrt(grey / (level**2 + contrast**2 * busy))
    return Remainder(
        most=float(shares.max()),
        usual=float(np.quantile(shares, LEAST_PLACES)),
        colour=float(np.sqrt((blue + red).max())),
        coarseness=steps.coarseness,
        correlation=detail_correlation(*(as_grey(pixels) for pixels in (shown, expected))),
        size=size,
        saved_alike=saved_alike,
        nothing=not left.any(),
    )


def _grey(pixels: Pixels) -> Pixels:
    grey: Pixels = np.rint(as_grey(pixels)).astype(np.uint8)
    return grey
