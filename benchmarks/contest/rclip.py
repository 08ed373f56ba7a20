"""Tasks for rclip, unmodified, run by the Python of its own environment.

    index        bring its library up to date with the present folder, as its command does first
    fill ROWS    store rows in its library for the pictures of the present folder
    warm QUERY…  seconds of each query, all in one process
    rows FILE    save paths and rows of its library

`RCLIP_DATADIR` is its library. rclip has no command that indexes without searching.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rclip.db import DB, NewImage
from rclip.main import init_rclip
from rclip.utils import helpers

BATCH = 8  # pictures; the default of its command
HITS = 10


def index() -> None:
    """Index the present folder."""
    for part in init_rclip(str(Path.cwd()), BATCH):
        part.close()


def fill(rows: str) -> None:
    """Store a row for each picture, in the order of their paths, through its storing layer."""
    pictures = sorted(str(path) for path in Path.cwd().rglob("*.png"))
    catalogue = DB(helpers.get_app_datadir() / "db.sqlite3")
    for path, row in zip(pictures, np.load(rows), strict=True):
        facts = Path(path).stat()
        image = NewImage(
            filepath=path,
            modified_at=facts.st_mtime,
            size=facts.st_size,
            vector=row.tobytes(),
            hash=helpers.compute_file_hash(path),
        )
        catalogue.upsert_image(image, commit=False)
    catalogue.close()


def warm(*queries: str) -> None:
    """Print the seconds of each query, after one that is not counted."""
    parts = init_rclip(str(Path.cwd()), BATCH, no_indexing=True)
    seconds = []
    for query in (queries[0], *queries):
        start = time.perf_counter()
        hits = parts[0].search(query, str(Path.cwd()), HITS)
        seconds.append(time.perf_counter() - start)
        if len(hits) != HITS:
            raise SystemExit(f"{len(hits)} hits")
    print(json.dumps(seconds[1:]))


def rows(file: str) -> None:
    """Save paths and rows of the present folder from its library."""
    catalogue = DB(helpers.get_app_datadir() / "db.sqlite3")
    images = list(catalogue.get_image_vectors_by_dir_path(str(Path.cwd())))
    np.savez(
        file,
        paths=np.array([image["filepath"] for image in images]),
        rows=np.stack([np.frombuffer(image["vector"], np.float32) for image in images]),
    )


if __name__ == "__main__":
    task: dict[str, Callable[..., None]]
    task = {"index": index, "fill": fill, "warm": warm, "rows": rows}
    task[sys.argv[1]](*sys.argv[2:])
