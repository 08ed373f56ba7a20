"""What the image tower of the built-in model says of a picture without one of its places.

The features of a picture are pooled over its maps. Left out of the pooling, a place and those
around it show by what is missing then what they add; the same heads read what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.mini.heads import image_features

Map = NDArray[np.float32]  # (c, h, w)
Mask = NDArray[np.bool_]  # (h, w) of the last maps: the places that count

MAPS = ("stage3", "stage4", "stage5", "stage6", "last", "tail", "classes")
REACH = 1  # places that are left out to each side of one


def features_without(maps: Sequence[Map], reach: int = REACH) -> NDArray[np.float32]:
    """Features (1 + h * w, 9064) of a picture by its `MAPS`: of all, then without each place.

    Places are taken row by row over the grid of the last maps.
    """
    found = [_pooled(maps, mask) for mask in _masks(maps[-1].shape[1:], reach)]
    pooled, probabilities = (np.stack(part) for part in zip(*found, strict=True))
    features: NDArray[np.float32] = image_features(pooled, probabilities, np.concatenate)
    return features


def _masks(grid: tuple[int, ...], reach: int) -> Iterator[Mask]:
    yield np.ones(grid, np.bool_)
    for row, column in np.ndindex(*grid):
        mask = np.ones(grid, np.bool_)
        mask[_around(row, reach), _around(column, reach)] = False
        yield mask


def _around(place: int, reach: int) -> slice:
    return slice(max(0, place - reach), place + reach + 1)


def _pooled(maps: Sequence[Map], mask: Mask) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pooled features (8064,) and class probabilities (1000,) of the places that count."""
    *stages, last, tail, logits = (x[:, _scaled(mask, x.shape[1:])] for x in maps)
    parts = [part for x in stages for part in (x.mean(1), x.max(1))]
    parts += _quarters(maps[3], mask)
    parts += [last.max(1), last.mean(1), tail.mean(1), tail.max(1)]
    said = logits.mean(1)
    said = np.exp(said - said.max())
    return np.concatenate(parts), said / said.sum()


def _scaled(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """The mask for a map that may be finer, by the place in which the middle of a cell lies."""
    rows, columns = (
        ((np.arange(side) + 0.5) * places / side).astype(np.int64)
        for side, places in zip(shape, mask.shape, strict=True)
    )
    scaled: Mask = mask[np.ix_(rows, columns)]
    return scaled


def _quarters(x: Map, mask: Mask) -> list[NDArray[np.float32]]:
    """Means (c,) over the places that count of each quarter; quarters overlap by a row."""
    h, w = ((side + 1) // 2 for side in mask.shape)
    parts = [np.s_[r, c] for r in (np.s_[:h], np.s_[-h:]) for c in (np.s_[:w], np.s_[-w:])]
    return [x[:, *part][:, mask[part]].mean(1) for part in parts]
