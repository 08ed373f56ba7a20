"""Features of a picture without one of its places, by the built-in model's image tower.

Features are pooled over the maps of a picture. Pooling without a place and its surroundings shows
their contribution: the difference between the two results. The same heads read both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np

from indexer.embedding import Floats, Mask
from indexer.encoders.mini.heads import image_features

Map: TypeAlias = Floats  # (c, h, w)
# Masks have the shape (h, w) of the last maps; they are true for the places to pool.

MAPS = ("stage3", "stage4", "stage5", "stage6", "last", "tail", "classes")
REACH = 1  # places to leave out on each side of one


def features_without(maps: Sequence[Map], reach: int = REACH) -> Floats:
    """Features (1 + h * w, 9064) from the `MAPS` of a picture: complete, then without each place.

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
    """Pooled features (8064,) and class probabilities (1000,) of the places in the mask."""
    *stages, last, tail, logits = (x[:, _scaled(mask, x.shape[1:])] for x in maps)
    parts = [part for x in stages for part in (x.mean(1), x.max(1))]
    parts += _quarters(maps[3], mask)
    parts += [last.max(1), last.mean(1), tail.mean(1), tail.max(1)]
    logit = logits.mean(1)
    powers = np.exp(logit - logit.max())
    return np.concatenate(parts), powers / powers.sum()


def _scaled(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """Scale a mask to a finer map: a cell belongs to the place that holds its centre."""
    rows, columns = (
        ((np.arange(side) + 0.5) * places / side).astype(np.int64)
        for side, places in zip(shape, mask.shape, strict=True)
    )
    scaled: Mask = mask[np.ix_(rows, columns)]
    return scaled


def _quarters(x: Map, mask: Mask) -> list[Floats]:
    """Means (c,) over the masked places of each quarter; quarters overlap by one row."""
    h, w = ((side + 1) // 2 for side in mask.shape)
    parts = [np.s_[r, c] for r in (np.s_[:h], np.s_[-h:]) for c in (np.s_[:w], np.s_[-w:])]
    return [x[:, *part][:, mask[part]].mean(1) for part in parts]
