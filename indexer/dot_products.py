"""Products of stored float16 rows with queries, as fast as memory is read."""

from __future__ import annotations

import numkong
import numpy as np
from numpy.typing import NDArray

_TOGETHER = 3  # so many queries are multiplied faster by reading the rows once for all of them
_KERNEL_QUERIES = 4  # more queries are multiplied in float32, where a matrix product is faster
_CONVERTED_ROWS = 4096  # rows that are converted to float32 at a time
_SHIFT = np.float32(2048)  # 2^11: brings the remainder of rounding back into float16's range


def rounding_error(queries: NDArray[np.float32]) -> float:
    """The largest error of `rough_product` with a unit row."""
    rest = queries - queries.astype(np.float16).astype(np.float32)
    return float(np.linalg.norm(rest, axis=-1).max(initial=0)) * 1.01 + 2e-6


def rough_product(rows: NDArray[np.floating], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Products (m, n) with the queries rounded to float16, as fast as memory is read."""
    if rows.dtype != np.float16 or not len(rows):
        return product(rows, queries)
    if len(queries) >= _TOGETHER:
        together = numkong.cdist(rows, queries.astype(np.float16), "dot", out_dtype="float32")
        return np.ascontiguousarray(np.asarray(together).T)
    # Every row with the same query: NumKong's `dot` keeps up with memory, its `cdist` does not.
    repeated = (np.broadcast_to(query, rows.shape) for query in queries.astype(np.float16))
    return np.stack([np.asarray(numkong.dot(rows, q, out_dtype="float32")) for q in repeated])


def product(rows: NDArray[np.floating], queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Products (m, n) of rows (n, dim), in float16 or float32, with queries (m, dim).

    They are exact within float32. The kernel multiplies float16 by float16, so each query is
    multiplied twice: rounded to float16, and the remainder of the rounding.
    """
    if rows.dtype != np.float16:
        return np.asarray(queries @ rows.T, dtype=np.float32)
    if len(queries) > _KERNEL_QUERIES:
        starts = range(0, len(rows), _CONVERTED_ROWS)
        parts = (rows[start : start + _CONVERTED_ROWS].astype(np.float32) for start in starts)
        empty = np.zeros((len(queries), 0), np.float32)
        return np.concatenate([empty, *(queries @ part.T for part in parts)], axis=1)
    if not len(rows):
        return np.zeros((len(queries), 0), np.float32)
    rounded = queries.astype(np.float16)
    rest = ((queries - rounded.astype(np.float32)) * _SHIFT).astype(np.float16)
    products = numkong.cdist(rows, np.concatenate([rounded, rest]), "dot", out_dtype="float32")
    whole, small = np.split(np.asarray(products).T, 2)
    return np.asarray(whole + small / _SHIFT)
