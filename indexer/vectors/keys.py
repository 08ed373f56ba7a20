"""Keys of the vector index: picture ids, and a mark for rows that are out of date."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from indexer.embedding import Ints

Ids: TypeAlias = Ints
GONE = -(2**63)  # key of a row that is out of date


def picture_ids(keys: Ids) -> Ids:
    """Picture ids (n,) of keys."""
    return np.where(keys >= 0, keys, ~keys)


def evenly(numbers: Ids, most: int) -> Ids:
    """At most so many of some numbers, spread evenly over them."""
    places = np.linspace(0, len(numbers) - 1, min(most, len(numbers)))
    return numbers[places.astype(np.int64)]


def ascending(numbers: Ids) -> Ids:
    """Sort and remove duplicates. np.unique hashes, which is slower for a few thousand numbers."""
    numbers = np.sort(numbers)
    repeated = numbers[1:] == numbers[:-1]
    return numbers if not repeated.any() else np.asarray(numbers[np.append(True, ~repeated)])


def without_pictures(keys: Ids, outdated: Ids) -> Ids:
    """Replace the keys of some pictures with `GONE`; returns the same array if none has a row."""
    gone = (keys != GONE) & np.isin(picture_ids(keys), outdated)
    return np.where(gone, GONE, keys) if gone.any() else keys
