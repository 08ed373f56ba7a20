"""Embeddings of pictures, of which some are looked at in parts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from indexer.embedding import Rows, unit_rows
from indexer.encoders.protocol import Encoder, Pixels

_SHARPNESS = 8.0  # of the weights: a part that differs by a cosine of 0.1 counts 2.2 times as much


def encode_with_parts(encoder: Encoder, pixels: Pixels, parts: Sequence[Pixels]) -> Rows:
    """Embeddings (n, dim) of pictures (n, size, size, 3), the parts of each in a list of their own.

    Those without parts, the most, are encoded as they are.
    """
    rows = encoder.encode_images(pixels)
    divided = [n for n, own in enumerate(parts) if len(own)]
    if not divided:
        return rows
    rows = np.array(rows)
    every = encoder.encode_images(np.concatenate([parts[n] for n in divided]))
    ends = np.cumsum([len(parts[n]) for n in divided])
    for n, own in zip(divided, np.split(every, ends[:-1]), strict=True):
        rows[n] = of_parts(own)
    return rows


def of_parts(rows: Rows) -> Rows:
    """The embedding (dim,) of a picture by those of its parts (n, dim).

    It is the mean of all, and once more with weights: the part that is least like the mean is where
    something is to be seen. The plain mean keeps an empty part from taking over.
    """
    mean = unit_rows(rows.mean(axis=0, keepdims=True))[0]
    unlike = 1 - rows @ mean
    weights = np.exp(_SHARPNESS * (unlike - unlike.max()))
    special = unit_rows((weights[:, None] * rows).sum(axis=0, keepdims=True))[0]
    row: Rows = unit_rows((mean + special)[None])[0]
    return row
