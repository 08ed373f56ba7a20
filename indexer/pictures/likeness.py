"""Likeness: whether two pictures show the same everywhere, or differ in a part.

Hashes and embeddings see a picture as a whole: two receipts, or two shots from one tripod, are the
same to them. Here the pixels are compared. One picture is brought to the tones of the other, and
what still differs is compared with the noise that the pair has in places as busy as that one:
saving again or resizing leaves the same noise in all of them, another word or a small thing stands
out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Plane: TypeAlias = NDArray[np.float32]  # (height, width), in levels of 0 to 255

LEAST_SIDE = 24  # pixels: a smaller picture shows too little to tell
PROPORTIONS = 0.02  # most that the proportions of two copies differ
MOST_APART, MOST_COLOUR = 28.0, 45.0  # levels by which a place may differ, in grey and in colour
LEAST_CORRELATION = 0.82  # of fine detail
CLEAN, NOISY = 1.6, 0.9  # how far a place may stand out: more for each level that all are apart,
LEAST_OUT, MOST_OUT = 2.2, 3.4  # within these bounds
CUT_NOISE = 9.0  # times as much noise where brighter light has cut off levels
FLOOR = 3.0  # squared levels of noise that every pair may have
PLAIN = 0.2  # least share of one shade in a page, a drawing or a night sky
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_KINDS_OF_PLACES, _MOST_NOISE = 12, 0.85
_BRIGHT, _CUT_OFF = 240, 250  # a level, and one that has no more levels above it
_MUCH = 0.002  # more of all values that are cut off
_STEP, _FEW = 3, 100_000  # pixels between those that levels and noise are learned from; few ones


@dataclass(frozen=True, slots=True)
class Difference:
    """The rest of a pair after its tones are matched.

    `mean`, `most` and `colour` in levels of 0 to 255: of all places, at the worst one, and of
    colours at theirs. `outlier`: how many times the noise of places like it the worst one has.
    `correlation` of the fine detail, 1 at most.
    """

    mean: float
    most: float
    colour: float
    outlier: float
    correlation: float

    @property
    def none(self) -> bool:
        """Whether it is no more than saving again, resizing or other light leaves."""
        return self.within(1)

    def within(self, times: float) -> bool:
        """Whether it is no more than so many times of that, and the detail agrees."""
        return self.correlation >= LEAST_CORRELATION and not self.exceeds(times)

    def exceeds(self, times: float) -> bool:
        """Whether a place is apart by so many times of what it may be."""
        return (
            self.outlier > times * min(MOST_OUT, max(LEAST_OUT, CLEAN + NOISY * self.mean))
            or self.most > times * MOST_APART
            or self.colour > times * MOST_COLOUR
        )


def difference(one: Image.Image, other: Image.Image) -> Difference | None:
    """The difference of two pictures (RGB, upright) at the size of the smaller one.

    None if they cannot be compared: other proportions, or too small.
    """
    size = min(one.size, other.size, key=lambda size: size[0] * size[1])
    if min(size) < LEAST_SIDE or not same_proportions(one.size, other.size):
        return None
    return _compared(*(_pixels(image, size) for image in (one, other)))


def same_proportions(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether they are, but for the rounding of the sides."""
    allowed = PROPORTIONS + 1 / min(*one, *other)
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) <= allowed


def _pixels(image: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.size != size:
        image = image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)
    return np.asarray(image)


def _compared(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> Difference:
    shown, expected, cut_off = _in_same_tones(one, other)
    left = halved(shown - expected)
    grey = left @ _GREY
    apart = _smooth(grey * grey, 1)
    red, blue = (_smooth(left[..., channel] - grey, 2) for channel in (0, 2))
    planes = [halved(picture @ _GREY) for picture in (shown, expected)]
    noise = _noise(apart, np.minimum(*(_activity(plane) for plane in planes)))
    noise *= 1 + CUT_NOISE * (_smooth(halved(cut_off), 2) > 0)
    return Difference(
        mean=float(np.sqrt(apart.mean())),
        most=float(np.sqrt(apart.max())),
        colour=float(np.sqrt((red * red + blue * blue).max())),
        outlier=float(np.sqrt((apart / (FLOOR + noise)).max())),
        correlation=detail_correlation(*planes),
    )


def _in_same_tones(
    one: NDArray[np.uint8], other: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32], Plane]:
    """One of the pictures, and the other with the mean level that the first has for each of its.

    For each channel by itself, so that other light, contrast and white balance make no difference.
    Light that cuts off levels can be followed one way only: towards the picture that has many of
    the brightest, or else the way that leaves less. The
    last plane is 1 where it has cut off levels; a picture made smaller after that is another one
    there than if it was made smaller before.
    """
    bright = [np.count_nonzero(picture >= _CUT_OFF) for picture in (one, other)]
    ways = [(one, other), (other, one)]  # shown, source
    if abs(bright[0] - bright[1]) > _MUCH * one.size:
        ways = [ways[int(np.argmax(bright))]]
    step = 1 if one.size < _FEW else _STEP
    tried = []
    for shown, source in ways:
        some, these = shown[::step, ::step], source[::step, ::step]
        curves = [tone_curve(these[..., n], some[..., n]) for n in range(3)]
        left = float(np.square(some - _toned(these, curves)).mean() / (1 + some.var()))
        tried.append((left, shown, source, curves))
    _, shown, source, curves = min(tried, key=itemgetter(0))
    cut = [n for n, curve in enumerate(curves) if curve[_BRIGHT] >= _CUT_OFF]
    cut_off: Plane = (shown[..., cut] >= _CUT_OFF).max(axis=-1, initial=0).astype(np.float32)
    return shown.astype(np.float32), _toned(source, curves), cut_off


def _toned(picture: NDArray[np.uint8], curves: Sequence[Plane]) -> NDArray[np.float32]:
    return np.stack([curve[picture[..., n]] for n, curve in enumerate(curves)], axis=-1)


def tone_curve(levels: NDArray[np.uint8], others: NDArray[np.uint8]) -> Plane:
    """The mean of `others` for each of 256 levels, over the nine next to it."""
    counts = np.bincount(levels.ravel(), minlength=256).astype(float)
    sums = np.bincount(levels.ravel(), others.ravel(), 256)
    near = np.ones(9)
    number, total = np.convolve(counts, near, "same"), np.convolve(sums, near, "same")
    ends = np.array([0, 255])  # where other light has cut off levels
    ends = ends[counts[ends] > counts.sum() / 500]
    number[ends], total[ends] = counts[ends], sums[ends]
    known = np.flatnonzero(number)
    curve: Plane = np.interp(np.arange(256), known, total[known] / number[known]).astype(np.float32)
    return curve


def _noise(apart: Plane, activity: Plane) -> Plane:
    """The squared levels by which most places are apart that are as busy as each one."""
    some, left = activity.ravel()[::_STEP], apart.ravel()[::_STEP]
    parts = np.array_split(np.argsort(some), _KINDS_OF_PLACES)
    busy = np.log1p([some[part].mean() for part in parts])
    most = np.maximum.accumulate([np.quantile(left[part], _MOST_NOISE) for part in parts])
    return np.asarray(np.interp(np.log1p(activity), busy, most), np.float32)


def _activity(plane: Plane) -> Plane:
    """The variance around each place."""
    activity: Plane = np.maximum(_smooth(plane * plane, 2) - _smooth(plane, 2) ** 2, 0)
    return activity


def as_grey(pixels: NDArray[np.uint8] | NDArray[np.float32]) -> Plane:
    """The brightness of pixels (height, width, 3)."""
    grey: Plane = pixels @ _GREY
    return grey


def detail_correlation(one: Plane, other: Plane) -> float:
    """The correlation of the fine detail of two planes, 1 at most."""
    one, other = (plane - _smooth(plane, 2) for plane in (one, other))
    length = np.sqrt(np.square(one).sum() * np.square(other).sum())
    return float((one * other).sum() / length) if length > 0 else 0.0


def halved(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of two by two pixels; a last odd row or column is left out."""
    height, width = (side // 2 * 2 for side in pixels.shape[:2])
    even = pixels[:height, :width]
    means: NDArray[np.float32] = (
        even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    ) / np.float32(4)
    return means


def _smooth(plane: Plane, reach: int) -> Plane:
    """Means over squares of `2 * reach + 1` places, with the edges continued."""
    width = 2 * reach + 1
    padded = np.pad(plane, reach, mode="edge")
    across = np.zeros((len(padded), plane.shape[1]), np.float32)
    for start in range(width):
        across += padded[:, start : start + plane.shape[1]]
    means = np.zeros_like(plane)
    for start in range(width):
        means += across[start : start + len(plane)]
    return means / np.float32(width * width)


def is_plain(image: Image.Image) -> bool:
    """Whether much of a picture has one shade, so that small things may tell it from another."""
    shades = np.array(image.convert("L").histogram(), float)
    return bool(np.convolve(shades, np.ones(9), "same").max() >= PLAIN * shades.sum())
