"""Embeddings: rows of floats, their modalities, centring, and the features of pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.float32]  # (n, dim), C-contiguous, each row of unit length
IMAGE = "image"
TEXT = "text"
HUB = "hub"  # key in `means`, next to both modalities, of the query's value in the hubness column


def unit_rows(rows: NDArray[np.floating]) -> Rows:
    """Scale rows to unit length, as C-contiguous float32; a zero row stays zero."""
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)


def centred_query(rows: Rows, modality: str, means: Mapping[str, Floats]) -> Rows:
    """Query rows, (dim,) or (n, dim): centred on the mean of their modality and renormalised.

    If `means` has a hubness column (`HUB`), a text query takes its value there, which favours rows
    of low hubness. A picture query has zero there: pictures near many others show what they show.
    """
    mean, aim = means.get(modality), means.get(HUB)
    centred = rows if mean is None else unit_rows(rows - mean)
    if aim is None:
        return centred
    plain = unit_rows(without_hub(centred, means))
    return unit_rows(plain + aim) if modality == TEXT else plain


def without_hub(rows: Floats, means: Mapping[str, Floats]) -> Floats:
    """Rows with the hubness column, if `means` has one, set to zero."""
    aim = means.get(HUB)
    return rows if aim is None else np.where(aim != 0, np.float32(0), rows)


def same_space(one: str, other: str) -> bool:
    """Whether two encoders, given by fingerprint, share a space: they may differ in precision.

    Weights trained on the rows of one fit those of the other.
    """
    return one.partition("-")[0] == other.partition("-")[0]


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """Independent features `v_i` and `v_t` (n, dim) of pictures, and whether they have a caption.

    `v_t` is zero for a picture without one.
    """

    ids: Ints
    v_i: Rows
    v_t: Rows
    has_caption: Mask


@dataclass(frozen=True, slots=True)
class Golden:
    """An encoder's embeddings (dim,) of a fixed picture and a fixed sentence."""

    image: Floats
    text: Floats
