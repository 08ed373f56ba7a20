"""Tasks for picfuse that are no commands of it, run by its own Python.

fill LIBRARY MODEL ROWS   a new library with a row for each picture of the present folder
warm LIBRARY QUERY…       seconds of each query, all in one process
rows LIBRARY FILE         save paths and rows of a library
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from indexer import Library
from indexer.catalogue.picture_facts import PictureFacts
from indexer.embedding import IMAGE
from indexer.pictures.facts import ContentFacts
from indexer.pictures.hashes import hash_bytes
from search import Searcher

BATCH = 4096  # pictures
HITS = 10


def fill(library: str, model: str, rows: str) -> None:
    """Store a row for each picture, in the order of their paths, through the storing layer."""
    here = Path.cwd()
    pictures, embeddings = sorted(here.rglob("*.png")), np.load(rows)
    with Library.create(library, encoder=model, offline=True) as made:
        with made.writing() as batch:
            folder = batch.folders.put(here)
        for first in range(0, len(pictures), BATCH):
            facts = [_facts(path, here) for path in pictures[first : first + BATCH]]
            hashes = [fact.content_hash for fact in facts if fact.content_hash]
            part = embeddings[first : first + BATCH]
            with made.writing() as batch:
                batch.embeddings.put(made.encoder_id, IMAGE, hashes, part)
                batch.pictures.put(folder, facts)
        made.save_vectors()


def _facts(path: Path, folder: Path) -> PictureFacts:
    facts = path.stat()
    return PictureFacts(
        os.fsencode(path.relative_to(folder)),
        facts.st_size,
        facts.st_mtime_ns,
        hash_bytes(path.read_bytes()),
        ContentFacts(1, 1, "PNG"),
    )


def warm(library: str, *queries: str) -> None:
    """Print the seconds of each query, after one that is not counted."""
    with Library.open(library, read_only=True, offline=True) as opened:
        searcher, seconds = Searcher(opened), []
        for query in (queries[0], *queries):
            start = time.perf_counter()
            answer = searcher.search(query, k=HITS)
            seconds.append(time.perf_counter() - start)
            if len(answer.hits) != HITS:
                raise SystemExit(f"{len(answer.hits)} hits")
    print(json.dumps(seconds[1:]))


def rows(library: str, file: str) -> None:
    """Save the embeddings of a library's pictures."""
    with Library.open(library, read_only=True, offline=True) as opened:
        features = opened.embedded(opened.catalogue.present().tolist())
        pictures = opened.catalogue.pictures(features.ids.tolist())
        paths = [str(pictures[key].path) for key in features.ids.tolist()]
    np.savez(file, paths=np.array(paths), rows=features.v_i)


if __name__ == "__main__":
    task: dict[str, Callable[..., None]] = {"fill": fill, "warm": warm, "rows": rows}
    task[sys.argv[1]](*sys.argv[2:])
