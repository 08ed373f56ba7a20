"""Tasks for the back end of clip-retrieval, unmodified, run by the Python of its own environment.

    fill FOLDER ROWS            an exact index of rows (n, dim), with a name for each
    serve FOLDER WEIGHTS PORT   its HTTP service over that index, with weights of our own

The service downloads pretrained weights. Here its loader of models gets a file instead; all that
happens to a query afterwards is its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import all_clip
import faiss
import numpy as np
import open_clip
import pandas as pd
from clip_retrieval.clip_back import clip_back

ARCHITECTURE = "ViT-B-32-256"
NAME = "many"  # of the index


def fill(folder: str, rows: str) -> None:
    """Write an index and its metadata."""
    embeddings, home = np.load(rows), Path(folder)
    index = faiss.IndexFlatIP(embeddings.shape[1])
    index.add(embeddings)
    (home / "metadata").mkdir(parents=True)
    faiss.write_index(index, str(home / "image.index"))
    names = [f"{number:06}.png" for number in range(len(embeddings))]
    pd.DataFrame({"caption": names}).to_parquet(home / "metadata" / "metadata_0.parquet")
    (home / "indices.json").write_text(json.dumps({NAME: folder}))


def serve(folder: str, weights: str, port: str) -> None:
    """Serve until a signal."""

    def loaded(*_: object, **__: object) -> tuple[Any, Any, Any]:
        model, _, prepare = open_clip.create_model_and_transforms(ARCHITECTURE, weights)
        return model.eval(), prepare, open_clip.get_tokenizer(ARCHITECTURE)

    all_clip.load_clip = loaded
    clip_back(
        str(Path(folder) / "indices.json"),
        int(port),
        clip_model=ARCHITECTURE,
        columns_to_return=["caption"],
        enable_mclip_option=False,
        provide_aesthetic_embeddings=False,
    )


if __name__ == "__main__":
    task: dict[str, Callable[..., None]] = {"fill": fill, "serve": serve}
    task[sys.argv[1]](*sys.argv[2:])
