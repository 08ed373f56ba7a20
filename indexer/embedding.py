"""Embeddings: rows of floats, their modalities, centring, and what is known of one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


Rows: TypeAlias = NDArray[np.float32]  # (n, dim), C-contiguous, each row of unit length
IMAGE = "image"
TEXT = "text"
HUB = "hub"  # beside the means of both: what texts have in the column of hubness when they ask


def unit_rows(rows: NDArray[np.floating]) -> Rows:
    """The rows scaled to unit length, float32 and C-contiguous; a zero row stays zero."""
    rows = np.ascontiguousarray(rows, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float32)


def centred_query(rows: Rows, modality: str, means: Mapping[str, NDArray[np.float32]]) -> Rows:
    """Unit rows (dim,) or (n, dim) as they ask: with the mean of their modality taken off.

    Where `means` know of a column of hubness, a text asks there for little of it. A picture does
    not ask for it: how often other pictures are near says what they show.
    """
    mean, aim = means.get(modality), means.get(HUB)
    centred = rows if mean is None else unit_rows(rows - mean)
    if aim is None:
        return centred
    plain = unit_rows(without_hub(centred, means))
    return unit_rows(plain + aim) if modality == TEXT else plain


def without_hub(
    rows: NDArray[np.float32], means: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.float32]:
    """The same rows with zero in the column of hubness, if `means` know of one."""
    aim = means.get(HUB)
    return rows if aim is None else np.where(aim != 0, np.float32(0), rows)


def same_space(one: str, other: str) -> bool:
    """Whether the encoders of two fingerprints share a space: they may differ by precision.

    What was trained on the rows of one fits those of the other.
    """
    return one.partition("-")[0] == other.partition("-")[0]


@dataclass(frozen=True, slots=True)
class PictureFeatures:
    """Independent features of pictures: `v_i`, `v_t` (n, dim) and which have a caption (n,)."""

    ids: NDArray[np.int64]
    v_i: Rows
    v_t: Rows
    has_caption: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Golden:
    """An encoder's embeddings (dim,) of a picture and a sentence that never change."""

    image: NDArray[np.float32]
    text: NDArray[np.float32]
