"""Keys of the vector index: ids of pictures in ascending order, and rows that are gone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
GONE = -(2**63)  # in the place of a key: this row of a segment is out of date


def picture_ids(keys: Ids) -> Ids:
    """The pictures that keys stand for, (n,)."""
    return np.where(keys >= 0, keys, ~keys)


def ascending(numbers: Ids) -> Ids:
    """Each number once, ascending. np.unique hashes them, which takes longer for a few thousand."""
    found: Ids = np.sort(numbers)
    again = found[1:] == found[:-1]
    return found if not again.any() else np.asarray(found[np.append(True, ~again)])


def without_pictures(keys: Ids, outdated: Ids) -> Ids:
    """The keys with those of some pictures blotted out; the same array where there are none."""
    gone = (keys != GONE) & np.isin(picture_ids(keys), outdated)
    return np.where(gone, GONE, keys) if gone.any() else keys
