"""Features of a picture without one of its places, by the built-in model's image tower.

Features are pooled over the maps of a picture. Pooling without a place and its surroundings shows
their contribution: the difference between the two results. The same heads read both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from indexer.embedding import Floats, Mask
from indexer.encoders.mini.heads import PLACE, image_features

Map: TypeAlias = Floats  # (c, h, w)
# Masks have the shape (h, w) of the last maps; they are true for the places to pool.

MAPS = ("stage3", "stage4", "stage5", "stage6", "last", "tail", "classes")
REACH = 1  # places to leave out on each side of one
REST = PLACE // 2  # cells at the border in which no square has its middle


def features_without(maps: Sequence[Map], reach: int = REACH) -> Floats:
    """Features (1 + h * w, 10064) from the `MAPS` of a picture: complete, then without each place.

    Places go row by row over the grid of the last maps.
    """
    results = [_pooled(maps, mask) for mask in _masks(maps[-1].shape[1:], reach)]
    pooled, probabilities = (np.stack(part) for part in zip(*results, strict=True))
    features: Floats = image_features(pooled, probabilities, np.concatenate)
    return features


def _masks(grid: tuple[int, ...], reach: int) -> Iterator[Mask]:
    yield np.ones(grid, np.bool_)
    for row, column in np.ndindex(*grid):
        mask = np.ones(grid, np.bool_)
        mask[_around(row, reach), _around(column, reach)] = False
        yield mask


def _around(place: int, reach: int) -> slice:
    return slice(max(0, place - reach), place + reach + 1)


def _pooled(maps: Sequence[Map], mask: Mask) -> tuple[Floats, Floats]:
    """Pooled features (8064,) and class probabilities (2000,) of the places in the mask."""
    *stages, last, tail, _ = (x[:, _scaled(mask, x.shape[1:])] for x in maps)
    parts = [part for x in stages for part in (x.mean(1), x.max(1))]
    parts += _quarters(maps[3], mask)
    parts += [last.max(1), last.mean(1), tail.mean(1), tail.max(1)]
    return np.concatenate(parts), _shown(maps[-1], mask)


def _shown(logits: Map, mask: Mask) -> Floats:
    """Class probabilities (2000,) of logits (1000, h, w): of all, and the largest of a square.

    A square of 3 x 3 cells counts if the cell in its middle is in the mask.
    """
    squares = sliding_window_view(logits, (PLACE, PLACE), axis=(1, 2)).mean((-1, -2))
    inside = mask[REST:-REST, REST:-REST]
    whole = _softmax(logits[:, mask].mean(1))
    return np.concatenate([whole, _softmax(squares[:, inside]).max(1)])


def _softmax(logits: Floats) -> Floats:
    """Probabilities over the first axis."""
    powers = np.exp(logits - logits.max(0))
    probabilities: Floats = powers / powers.sum(0)
    return probabilities


def _scaled(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Scale a mask to a finer map: a cell belongs to the place that holds its centre."""
    rows, columns = (
        ((np.arange(side) + 0.5) * places / side).astype(np.int64)
        for side, places in zip(shape, mask.shape, strict=True)
    )
    scaled: Mask = mask[np.ix_(rows, columns)]
    return scaled


def _quarters(x: Map, mask: Mask) -> list[Floats]:
    """Means (c,) over the masked places of each quarter; quarters of an odd side overlap."""
    h, w = ((side + 1) // 2 for side in mask.shape)
    parts = [np.s_[r, c] for r in (np.s_[:h], np.s_[-h:]) for c in (np.s_[:w], np.s_[-w:])]
    return [x[:, *part][:, mask[part]].mean(1) for part in parts]
