"""Products of stored float16 rows with queries, at the speed of memory."""

from __future__ import annotations

import numkong
import numpy as np
from numpy.typing import NDArray

_FEW = 4  # queries: more are multiplied in float32, where a matrix product pays
_AT_ONCE = 4096  # rows that are brought to float32 together
_SHIFT = np.float32(2048)  # 2^11: what float16 rounds off, brought back into its range


def rounded_off(queries: NDArray[np.float32]) -> float:
    """How far from its product with a unit row `rough_product` can be."""
    rest = queries - queries.astype(np.float16).astype(np.float32)
    return float(np.linalg.norm(rest, axis=-1).max(initial=0)) * 1.01 + 2e-6


def rough_product(rows: NDArray[np.floating], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """The products (m, n) with queries that are rounded as the rows are: at the speed of memory."""
    if rows.dtype != np.float16 or not len(rows):
        return product(rows, queries)
    # Each row with the same query: so NumKong keeps up with memory, as it does not in its `cdist`.
    same = (np.broadcast_to(query, rows.shape) for query in queries.astype(np.float16))
    return np.stack([np.asarray(numkong.dot(rows, q, out_dtype="float32")) for q in same])


def product(rows: NDArray[np.floating], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """The products (m, n) of rows (n, dim), in float16 or float32, with queries (m, dim).

    All is exact within float32. The kernel multiplies float16 with float16; so each query is
    asked twice, rounded to float16 and with what that rounded off.
    """
    if rows.dtype != np.float16:
        return np.asarray(queries @ rows.T, dtype=np.float32)
    if len(queries) > _FEW:
        parts = (rows[first : first + _AT_ONCE] for first in range(0, len(rows), _AT_ONCE))
        nothing = np.zeros((len(queries), 0), np.float32)
        return np.concatenate([nothing, *(queries @ p.astype(np.float32).T for p in parts)], axis=1)
    if not len(rows):
        return np.zeros((len(queries), 0), np.float32)
    rounded = queries.astype(np.float16)
    rest = ((queries - rounded.astype(np.float32)) * _SHIFT).astype(np.float16)
    found = numkong.cdist(rows, np.concatenate([rounded, rest]), "dot", out_dtype="float32")
    whole, small = np.split(np.asarray(found).T, 2)
    return np.asarray(whole + small / _SHIFT)
