"""The cached library with a data set's embeddings, so that a second run is quick."""

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
    """Open or create the library of a data set, or of the pictures `only`; evaluation shares it."""
    cache = cache or cache_directory()
    loaded = load_encoder(encoder, cache=cache, offline=offline)
    parts = [os.fsencode(folder), loaded.fingerprint.encode(), *sorted(only or ())]
    path = cache / "evaluate" / hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]
    if is_vacant(path):
        return Library.create(path, encoder=encoder, offline=offline, cache=cache)
    return Library.open(path, offline=offline, cache=cache)
