"""The index of a collection's vectors, chosen by its size, and its measured recall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from indexer.errors import InputError
from indexer.milvus.connection import Connection
from indexer.vectors.keys import evenly

AUTO = "auto"
KINDS = (AUTO, "flat", "hnsw", "ivf_rabitq", "diskann")
FLAT_UP_TO, HNSW_UP_TO = 50_000, 5_000_000  # pictures
K, QUERIES = 10, 50  # recall@10, of so many rows of the collection as queries
_LITE = ("flat", "hnsw")


def index_of(kind: str, pictures: int, *, lite: bool) -> dict[str, Any]:
    """The index of `--index` for a number of pictures, as Milvus takes it.

    `auto`: an exact scan of few pictures, a graph in memory for more, and from five million on
    codes of a bit for each dimension with rows beside them for the exact order (RaBitQ, Gao and
    Long 2024). Raises `InputError` for one that milvus-lite lacks.
    """
    if kind == AUTO:
        kind = "flat" if pictures <= FLAT_UP_TO else "hnsw"
        if pictures > HNSW_UP_TO and not lite:
            kind = "ivf_rabitq"
    if lite and kind not in _LITE:
        raise InputError(f"index {kind!r}: milvus-lite has only {' and '.join(_LITE)}")
    lists = int(2 ** round(np.log2(max(64.0, 4 * pictures**0.5))))
    params: Mapping[str, dict[str, Any]] = {
        "flat": {},
        "hnsw": {"M": 24, "efConstruction": 200},
        "ivf_rabitq": {"nlist": min(lists, 65_536), "refine": True, "refine_type": "FP16"},
        "diskann": {},
    }
    return {"index_type": kind.upper(), "params": params[kind]}


def measured_recall(connection: Connection, index: Mapping[str, Any]) -> float:
    """Share of the 10 best by `v_i` that the index finds, for rows of the collection as queries.

    A flat index finds all by its nature. The exact answer comes from a scan of up to 100,000 rows,
    among which the index has to answer too.
    """
    if index["index_type"] == "FLAT":
        return 1.0
    rows = connection.sample(["v_i"], 100_000)
    keys = np.array([key for key, _ in rows], np.int64)
    vectors = np.stack([row for _, (row,) in rows])
    places = evenly(np.arange(len(keys)), QUERIES)
    condition = "" if len(keys) == connection.count() else f"id <= {int(keys.max())}"
    found = connection.nearest(
        "v_i", list(vectors[places]), condition=condition, limit=min(K, len(keys))
    )
    shares = []
    for query, hits in zip(vectors[places], found, strict=True):
        scores = vectors @ query
        least = np.partition(scores, -min(K, len(scores)))[-min(K, len(scores))]
        near = {int(key) for key in keys[scores >= least - 1e-5]}
        shares.append(len(near & {key for key, _ in hits}) / len(hits) if hits else 0.0)
    return round(float(np.mean(shares)), 4)
