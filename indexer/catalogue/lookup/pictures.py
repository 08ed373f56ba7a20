"""What a query asks of a catalogue, in plain SQL and on SQLite's own connection.

It reads the rows of a few pictures; importing SQLAlchemy alone would take as long as all the rest
of a text query. What else is asked of the tables is in `catalogue.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.database import sqlite_errors
from indexer.catalogue.lookup.tables import Tables, full_path
from indexer.catalogue.values import PRESENT, VECTORS


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """A picture as a hit shows it."""

    id: int
    path: Path
    content_hash: bytes
    width: int
    height: int
    captions: tuple[str, ...]


class Lookup(Tables):
    """Read access to what a query needs of one catalogue."""

    def setting(self, key: str) -> str | None:
        """A named value, or None."""
        found = self.rows("SELECT value FROM settings WHERE key = ?", key)
        return str(found[0][0]) if found else None

    def encoder_id(self, fingerprint: str) -> int | None:
        """The number of an encoder that made embeddings here."""
        found = self.rows("SELECT id FROM encoders WHERE fingerprint = ?", fingerprint)
        return int(found[0][0]) if found else None

    def pictures(self, ids: Iterable[int]) -> dict[int, PictureInfo]:
        """What is shown of present pictures, by id; ids that are gone are left out."""
        query = """
            SELECT p.id, f.path, p.relative, p.content_hash, p.width, p.height
            FROM pictures p JOIN folders f ON f.id = p.folder_id
            WHERE p.state = ? AND p.id IN (:keys)"""
        ids = list(ids)
        captions = self._shown_captions(ids)
        return {
            key: PictureInfo(
                key,
                full_path(folder, relative),
                content or b"",
                width or 0,
                height or 0,
                tuple(captions.get(key, ())),
            )
            for key, folder, relative, content, width, height in self.rows_in(query, ids, PRESENT)
        }

    def folder_paths(self) -> list[Path]:
        """The indexed folders, in the order of naming."""
        rows = self.rows("SELECT path FROM folders ORDER BY id")
        return [Path(os.fsdecode(path)) for (path,) in rows]

    def looks(self, ids: Iterable[int]) -> dict[int, tuple[bytes | None, bytes | None]]:
        """The hashes of pictures' bytes and of their looks, by id; None where one is not known."""
        query = "SELECT id, content_hash, perceptual_hash FROM pictures WHERE id IN (:keys)"
        return {key: (content, looks) for key, content, looks in self.rows_in(query, ids)}

    def _shown_captions(self, ids: Sequence[int]) -> dict[int, dict[str, None]]:
        """The different captions of pictures, those that lie beside them first."""
        query = """
            SELECT picture_id, text FROM captions WHERE picture_id IN (:keys)
            ORDER BY picture_id, embedded, position"""
        found: dict[int, dict[str, None]] = {}
        for picture_id, said in self.rows_in(query, ids):
            found.setdefault(picture_id, {})[said] = None
        return found

    def present(self) -> NDArray[np.int64]:
        """Ids of the present pictures (n,), ascending."""
        query = "SELECT id FROM pictures WHERE state = ? ORDER BY id"
        with sqlite_errors(self._library), self._reading_rows() as connection:
            rows = connection.execute(query, (PRESENT,))
            return np.fromiter((key for (key,) in rows), dtype=np.int64)

    def number_present(self) -> int:
        """How many pictures are present."""
        query = "SELECT count(*) FROM pictures WHERE state = ?"
        return int(self.rows(query, PRESENT)[0][0])

    def touched_since(self, generation: int) -> list[int]:
        """Ids of the present pictures whose fused row changed after a generation."""
        query = "SELECT id FROM pictures WHERE revision > ? AND state = ? ORDER BY id"
        return [key for (key,) in self.rows(query, generation, PRESENT)]

    def segments(self) -> tuple[str | None, list[tuple[str, str, bytes]]]:
        """What the vector index was made from, and its files with checksums and keys."""
        query = """
            SELECT value, file, checksum, keys FROM (SELECT ? AS key)
            LEFT JOIN settings USING (key) LEFT JOIN segments ON 1 ORDER BY position"""
        found = self.rows(query, VECTORS)  # in one statement: a writer may replace both
        return found[0][0], [row[1:] for row in found if row[1] is not None]

    def ids_of_content(self, content_hash: bytes) -> list[int]:
        """The pictures that consist of these bytes."""
        query = "SELECT id FROM pictures WHERE content_hash = ?"
        return [key for (key,) in self.rows(query, content_hash)]

    def content_at(self, path: Path) -> bytes | None:
        """The content of the picture that was seen at an absolute path, be it there now or not."""
        whole = os.fsencode(path)
        for key, folder in self.rows("SELECT id, path FROM folders"):
            start = folder.rstrip(b"/") + b"/"
            if whole.startswith(start):
                query = "SELECT content_hash FROM pictures WHERE folder_id = ? AND relative = ?"
                for (content,) in self.rows(query, key, whole[len(start) :]):
                    return content if content is None else bytes(content)
        return None
