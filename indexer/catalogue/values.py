"""Values as the catalogue stores them: states, setting keys, hashes, float16 embeddings.

It knows no table, so that a query, which reads a handful of rows, imports no SQLAlchemy.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from indexer.errors import LibraryDamaged
from indexer.kinds.extras import needed_extra

FIRST_SCHEMA = "0006"  # the first migration: schemas before it were never released
SCHEMA = "0013"  # the newest migration; a test compares it with indexer/catalogue/migrations
PRESENT, MISSING, FAILED = "present", "missing", "failed"
UNDECODED = "undecoded"  # the state of a picture whose decoder is not installed
SETTINGS, GENERATION, VECTORS, MOVING = "library", "generation", "vectors", "moving"  # settings
REPEATED = "repeated captions"  # a setting: texts of very many pictures, probable fillers
COMPRESSED = "compressed"  # a setting: the state of the compressed index
CALIBRATION = "calibration"  # a setting: how scores become probabilities, fitted to its captions
TOLD_OF_MODELS = "told of models"  # a setting: that there are stronger ones was said
KEPT_FUSION = "fusion "  # with a fingerprint: settings that hold learned weights in base64
SEARCH, PICKED, FAVOURITES = "search", "picked", "favourites"  # kinds of albums
CARRIED, BESIDE, DERIVED = "carried", "beside", "derived"  # origins of facts
NEVER = -(2**63)  # a time of change that no file has: the picture waits to be checked again
LATEST = 2**63 - 1  # nanoseconds that SQLite can hold: the year 2262


def state_of(reason: str | None) -> str:
    """The state of a picture that was decoded, or was not for a reason."""
    if not reason:
        return PRESENT
    return UNDECODED if needed_extra(reason) else FAILED


def text_hash(text: str) -> bytes:
    """Key of a caption's embedding: BLAKE2b of its UTF-8 text, 16 bytes."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def pack(row: NDArray[np.floating]) -> bytes:
    """An embedding as stored: little-endian float16."""
    return np.ascontiguousarray(row, dtype="<f2").tobytes()


def unpack(blobs: list[bytes], dim: int) -> NDArray[np.float32]:
    """Stored embeddings as float32 rows (n, dim). Raises `LibraryDamaged` for other widths."""
    if any(len(blob) != 2 * dim for blob in blobs):
        raise LibraryDamaged(
            "an embedding in the catalogue is damaged; 'picfuse doctor --repair' removes it"
        )
    return np.frombuffer(b"".join(blobs), dtype="<f2").reshape(-1, dim).astype(np.float32)
