"""The image search that sentence-transformers documents, run by the Python of its environment.

    index        encode the pictures of the present folder and store the rows
    fill ROWS    store rows for the pictures of the present folder
    search QUERY print the hits of a query
    warm QUERY…  seconds of each query, all in one process
    rows FILE    save paths and rows

`PEERS_MODEL` is the folder of the model, `PEERS_LIBRARY` the folder of the pickle in which the
example stores names and rows. It encodes paths in batches of 128, as the example does.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.util import semantic_search

EMBEDDINGS = Path(os.environ["PEERS_LIBRARY"]) / "embeddings.pkl"
HITS = 10


def index() -> None:
    """Encode the pictures of the present folder."""
    names = sorted(str(path) for path in Path.cwd().rglob("*.jpg"))
    rows = _model().encode(names, batch_size=128, convert_to_tensor=True, show_progress_bar=True)
    _store(names, rows)


def fill(file: str) -> None:
    """Store a row for each picture, in the order of their paths."""
    names = sorted(str(path) for path in Path.cwd().rglob("*.png"))
    _store(names, torch.from_numpy(np.load(file)))


def search(query: str) -> None:
    """Load the model and the rows, and print the hits of a query."""
    model = _model()
    names, rows = _load()
    for hit in _hits(model, rows, query):
        print(f"{hit['score']:.3f}\t{names[hit['corpus_id']]}")


def warm(*queries: str) -> None:
    """Print the seconds of each query, after one that is not counted."""
    model = _model()
    _, rows = _load()
    seconds = []
    for query in (queries[0], *queries):
        start = time.perf_counter()
        _hits(model, rows, query)
        seconds.append(time.perf_counter() - start)
    print(json.dumps(seconds[1:]))


def rows(file: str) -> None:
    """Save names and rows, scaled to unit length."""
    names, stored = _load()
    unit = stored.numpy()
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    np.savez(file, paths=np.array(names), rows=unit)


def _model() -> SentenceTransformer:
    return SentenceTransformer(os.environ["PEERS_MODEL"])


def _store(names: list[str], rows: Any) -> None:
    with EMBEDDINGS.open("wb") as file:
        pickle.dump((names, rows), file)


def _load() -> tuple[list[str], Any]:
    with EMBEDDINGS.open("rb") as file:
        names, rows = pickle.load(file)
    return names, rows


def _hits(model: SentenceTransformer, rows: Any, query: str) -> list[dict[str, Any]]:
    embedded_query = model.encode_query([query], convert_to_tensor=True, show_progress_bar=False)
    hits: list[dict[str, Any]] = semantic_search(embedded_query, rows, top_k=HITS)[0]
    if len(hits) != HITS:
        raise SystemExit(f"{len(hits)} hits")
    return hits


if __name__ == "__main__":
    task: dict[str, Callable[..., None]]
    task = {"index": index, "fill": fill, "search": search, "warm": warm, "rows": rows}
    task[sys.argv[1]](*sys.argv[2:])
