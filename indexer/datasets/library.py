"""The library that holds a data set's embeddings, in the cache: a second look is quick."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from indexer.encoders import load_encoder
from indexer.library.directory import is_vacant
from indexer.library.library import Library
from indexer.locations import cache_directory


def dataset_library(
    folder: Path,
    only: Collection[bytes] | None,
    *,
    encoder: str,
    cache: Path | None = None,
    offline: bool = False,
) -> Library:
    """The library of a data set, or of `only` some of its pictures; the same for evaluation."""
    cache = cache or cache_directory()
    made = load_encoder(encoder, cache=cache, offline=offline)
    parts = [os.fsencode(folder), made.fingerprint.encode(), *sorted(only or ())]
    path = cache / "evaluate" / hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
    if is_vacant(path):
        return Library.create(path, encoder=encoder, offline=offline, cache=cache)
    return Library.open(path, offline=offline, cache=cache)
