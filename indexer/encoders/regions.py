"""What the image tower of the built-in model says of parts of a picture, from its maps.

A part is a window of places: its features are pooled over them as those of a picture are over all,
so that the same heads read them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.heads import image_features

Map = NDArray[np.float32]  # (c, h, w)
Window = tuple[slice, slice]  # rows and columns of a grid

MAPS = ("stage3", "stage4", "stage5", "stage6", "last", "tail", "classes")
REACH = 1  # places that a window reaches to each side


def window_features(maps: Sequence[Map], reach: int = REACH) -> NDArray[np.float32]:
    """Features (h * w, 9064) of a window around each place of a picture, of its `MAPS`.

    One picture's windows are read row by row over the grid of the last maps.
    """
    grid = maps[-1].shape[1:]
    found = [_window_features(maps, window, grid) for window in _windows(grid, reach)]
    pooled, probabilities = (np.stack(part) for part in zip(*found, strict=True))
    features: NDArray[np.float32] = image_features(pooled, probabilities, np.concatenate)
    return features


def _windows(grid: tuple[int, ...], reach: int) -> list[Window]:
    rows, columns = ([_around(place, side, reach) for place in range(side)] for side in grid)
    return [(row, column) for row in rows for column in columns]


def _around(place: int, side: int, reach: int) -> slice:
    return slice(max(0, place - reach), min(side, place + reach + 1))


def _window_features(
    maps: Sequence[Map], window: Window, grid: tuple[int, ...]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pooled features (8064,) and class probabilities (1000,) of a window."""
    *stages, last, tail, logits = (_cut(x, window, grid) for x in maps)
    parts = [part for x in stages for part in (_mean(x), _maximum(x))]
    parts += _quarters(stages[-1])
    parts += [_maximum(last), _mean(last), _mean(tail), _maximum(tail)]
    said = np.exp(_mean(logits) - _mean(logits).max())
    return np.concatenate(parts), said / said.sum()


def _cut(x: Map, window: Window, grid: tuple[int, ...]) -> Map:
    """The window of a map that may be finer than the grid: all cells that it touches."""
    rows, columns = (
        slice(part.start * side // places, -(-part.stop * side // places))
        for part, side, places in zip(window, x.shape[1:], grid, strict=True)
    )
    return x[:, rows, columns]


def _mean(x: Map) -> NDArray[np.float32]:
    mean: NDArray[np.float32] = x.mean((1, 2))
    return mean


def _maximum(x: Map) -> NDArray[np.float32]:
    maximum: NDArray[np.float32] = x.max((1, 2))
    return maximum


def _quarters(x: Map) -> list[NDArray[np.float32]]:
    """Means (c,) over the four quarters of a map, which overlap where a side is odd."""
    h, w = ((side + 1) // 2 for side in x.shape[1:])
    return [_mean(x[:, r, c]) for r in (np.s_[:h], np.s_[-h:]) for c in (np.s_[:w], np.s_[-w:])]
