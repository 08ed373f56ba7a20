"""Nearest neighbours among many perceptual hashes or embeddings, and clusters of them."""

from __future__ import annotations

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows

EXACT_UP_TO = 100_000  # rows; with more, only the nearest clusters are searched
PROBED_CLUSTERS = 8
HASH_PARTS = 4  # at least one of them has a quarter of all differing bits, or fewer

Places = NDArray[np.int64]


def near_hashes(hashes: NDArray[np.uint8], bits: int) -> tuple[Places, Places]:
    """Places (m,) of all pairs of hashes (n, bytes) that differ in at most `bits` bits.

    Has each pair in both orders, and each hash with itself.
    """
    width = 8 * hashes.shape[1]
    index = faiss.IndexBinaryMultiHash(width, HASH_PARTS, width // HASH_PARTS)
    index.nflip = bits // HASH_PARTS
    index.add(hashes)
    limits, _, others = index.range_search(hashes, bits + 1)
    counts = (limits[1:] - limits[:-1]).astype(np.int64)
    return np.repeat(np.arange(len(hashes)), counts), others


def nearest_rows(rows: Rows, k: int) -> tuple[NDArray[np.float32], Places]:
    """Cosines and places of the k nearest rows of each unit row (n, dim), and of the row itself."""
    count, width = rows.shape
    index: faiss.Index = faiss.IndexFlatIP(width)
    if count > EXACT_UP_TO:
        index = faiss.IndexIVFFlat(index, width, int(count**0.5), faiss.METRIC_INNER_PRODUCT)
        index.train(rows[:: max(1, count // EXACT_UP_TO)])
        index.nprobe = PROBED_CLUSTERS
    index.add(rows)
    return index.search(rows, min(k + 1, count))


def clusters(rows: Rows, number: int) -> Places:
    """The cluster (n,) of each row (n, dim), from 0 on, by k-means; the same for the same rows."""
    rows = np.ascontiguousarray(rows, np.float32)
    means = faiss.Kmeans(rows.shape[1], number, niter=25, nredo=3, seed=1, spherical=False)
    means.cp.min_points_per_centroid = 1
    means.train(rows)
    return means.index.search(rows, 1)[1][:, 0]
