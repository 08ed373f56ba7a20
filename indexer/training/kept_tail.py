"""A trained image tail in a file of its own: what an interrupt between two parts would lose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from indexer.encoders.mini.image_tower import Tail
from indexer.files import whole_file
from indexer.training.heads_model import arrays
from indexer.weights_file import packed


def write_tail(path: Path, tail: Tail, key: str) -> None:
    """Write a tail as a heads file holds it, in float16; `key` tells how it came about."""
    tensors = {name: a.astype(np.float16) for name, a in arrays(tail.stored()).items()}
    with whole_file(path) as unfinished:
        unfinished.write_bytes(packed(tensors, "key", key))


def key_of(path: Path) -> str | None:
    """The key of a kept tail; of anything else, and of what cannot be read, there is none."""
    try:
        with safe_open(path, framework="numpy") as file:
            return str(json.loads((file.metadata() or {}).get("key", "null")))
    except (OSError, SafetensorError, ValueError):
        return None
