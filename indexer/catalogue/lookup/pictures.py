"""Folders, pictures, their captions, and the settings of a library, in plain SQL.

A query reads the rows of a few pictures: importing SQLAlchemy would take as long as everything
else that a text query does.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.database import sqlite_errors
from indexer.catalogue.lookup.tables import Tables, full_path
from indexer.catalogue.values import FAILED, MISSING, PRESENT, VECTORS
from indexer.metadata.fields import VERSION


@dataclass(frozen=True, slots=True)
class PictureInfo:
    """A picture as a hit shows it."""

    id: int
    path: Path
    content_hash: bytes
    width: int
    height: int
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IndexedFolder:
    """An indexed folder, and the options that were given when it was named."""

    id: int
    path: Path
    exclude: str = "[]"
    caption_files: str = "[]"
    include: str = "[]"
    columns: str | None = None
    captions_digest: bytes | None = None
    captions_told: str | None = None

    @property
    def included(self) -> list[str]:
        """The patterns of what is indexed although it would be left out."""
        return list(json.loads(self.include))


class IndexedPicture(NamedTuple):
    """A picture's row, with which a second look at its file is compared.

    A tuple, because every run makes one of every picture: a frozen dataclass takes twice as long.
    """

    id: int
    size: int
    mtime_ns: int
    state: str
    content_hash: bytes | None
    reason: str | None
    metadata_version: int | None = None

    @property
    def is_read_by_old(self) -> bool:
        """Whether its metadata were read by older readers than today's."""
        return self.metadata_version != VERSION


@dataclass(frozen=True, slots=True)
class StoredEncoder:
    """An encoder's row, with its first embeddings of the golden picture and sentence."""

    id: int
    dim: int
    golden_image: bytes | None
    golden_text: bytes | None


class Catalogue(Tables):
    """Read access to the folders, pictures, captions and settings of one library."""

    def setting(self, key: str) -> str | None:
        """A named value, or None."""
        rows = self.rows("SELECT value FROM settings WHERE key = ?", key)
        return str(rows[0][0]) if rows else None

    def encoder_id(self, fingerprint: str) -> int | None:
        """The number of an encoder that made embeddings here."""
        rows = self.rows("SELECT id FROM encoders WHERE fingerprint = ?", fingerprint)
        return int(rows[0][0]) if rows else None

    def encoder(self, fingerprint: str) -> StoredEncoder | None:
        """An encoder that made embeddings here."""
        query = "SELECT id, dim, golden_image, golden_text FROM encoders WHERE fingerprint = ?"
        rows = self.rows(query, fingerprint)
        return StoredEncoder(*rows[0]) if rows else None

    def folders(self) -> list[IndexedFolder]:
        """Every indexed folder, in the order of naming."""
        rows = self.rows(
            "SELECT id, path, exclude, caption_files, include, columns, captions_digest, "
            "captions_told FROM folders ORDER BY id"
        )
        return [IndexedFolder(key, Path(os.fsdecode(path)), *said) for key, path, *said in rows]

    def folder_paths(self) -> list[Path]:
        """The paths of the indexed folders, in the order of naming."""
        return [folder.path for folder in self.folders()]

    def pictures(self, ids: Iterable[int]) -> dict[int, PictureInfo]:
        """Present pictures as hits show them, by id; ids that are gone are left out."""
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

    def _shown_captions(self, ids: Sequence[int]) -> dict[int, dict[str, None]]:
        """The different captions of pictures, those that lie beside them first."""
        query = """
            SELECT picture_id, text FROM captions WHERE picture_id IN (:keys)
            ORDER BY picture_id, embedded, position"""
        captions: dict[int, dict[str, None]] = {}
        for picture_id, text in self.rows_in(query, ids):
            captions.setdefault(picture_id, {})[text] = None
        return captions

    def hashes_of(self, ids: Iterable[int]) -> dict[int, tuple[bytes | None, bytes | None]]:
        """The hash of pictures' bytes and the perceptual one, by id; None for an unknown one."""
        query = "SELECT id, content_hash, perceptual_hash FROM pictures WHERE id IN (:keys)"
        return {key: (content, looks) for key, content, looks in self.rows_in(query, ids)}

    def paths_with(self, content_hash: bytes) -> list[Path]:
        """Paths of the present pictures with these bytes."""
        query = """
            SELECT f.path, p.relative FROM pictures p JOIN folders f ON f.id = p.folder_id
            WHERE p.content_hash = ? AND p.state = ? ORDER BY f.path, p.relative"""
        return [full_path(*row) for row in self.rows(query, content_hash, PRESENT)]

    def known_pictures(self, folder_id: int) -> dict[bytes, IndexedPicture]:
        """Every picture ever seen in a folder, by its relative path."""
        query = """
            SELECT relative, id, size, mtime_ns, state, content_hash, reason, metadata_version
            FROM pictures WHERE folder_id = ?"""
        with sqlite_errors(self._library), self._reading_rows() as connection:
            rows = connection.execute(query, (folder_id,))
            return {row[0]: IndexedPicture(*row[1:]) for row in rows}

    def files_of(self, folder_id: int) -> dict[bytes, int]:
        """The size of every picture ever seen in a folder, by its relative path."""
        return dict(self.rows("SELECT relative, size FROM pictures WHERE folder_id = ?", folder_id))

    def number_of(self, folder_id: int) -> int:
        """The number of pictures ever seen in a folder."""
        (number,) = self.column("SELECT count(*) FROM pictures WHERE folder_id = ?", folder_id)
        return int(number)

    def by_presence(self, folder_id: int) -> tuple[list[int], list[int]]:
        """Ids of a folder's pictures: those that are there, failed ones too, and the missing."""
        ids: tuple[list[int], list[int]] = ([], [])
        query = "SELECT id, state FROM pictures WHERE folder_id = ?"
        for key, state in self.rows(query, folder_id):
            ids[state == MISSING].append(key)
        return ids

    def counts(self) -> dict[str, int]:
        """Numbers of pictures by state, and of captions of present pictures."""
        numbers: dict[str, int] = dict(
            self.rows("SELECT state, count(*) FROM pictures GROUP BY state")
        )
        query = """
            SELECT count(*) FROM captions c JOIN pictures p ON p.id = c.picture_id
            WHERE p.state = ?"""
        return numbers | {"captions": self.rows(query, PRESENT)[0][0]}

    def failures(self) -> list[tuple[Path, str]]:
        """Pictures that could not be read, and why."""
        query = """
            SELECT f.path, p.relative, p.reason FROM pictures p JOIN folders f ON f.id = p.folder_id
            WHERE p.state = ? ORDER BY f.path, p.relative"""
        return [(full_path(f, r), reason or "") for f, r, reason in self.rows(query, FAILED)]

    def states_in(self, folder_id: int) -> Counter[str]:
        """Numbers of a folder's pictures by state."""
        query = "SELECT state, count(*) FROM pictures WHERE folder_id = ? GROUP BY state"
        return Counter(dict(self.rows(query, folder_id)))

    def present(self) -> NDArray[np.int64]:
        """Ids of the present pictures (n,), ascending."""
        query = "SELECT id FROM pictures WHERE state = ? ORDER BY id"
        with sqlite_errors(self._library), self._reading_rows() as connection:
            rows = connection.execute(query, (PRESENT,))
            return np.fromiter((key for (key,) in rows), dtype=np.int64)

    def present_ids(self, *, limit: int | None = None, offset: int = 0) -> list[int]:
        """Ids of the present pictures in the order of folder and path."""
        query = """
            SELECT id FROM pictures WHERE state = ? ORDER BY folder_id, relative LIMIT ? OFFSET ?"""
        return self.column(query, PRESENT, -1 if limit is None else limit, offset)

    def number_present(self) -> int:
        """The number of present pictures."""
        query = "SELECT count(*) FROM pictures WHERE state = ?"
        return int(self.rows(query, PRESENT)[0][0])

    def touched_since(self, generation: int) -> list[int]:
        """Ids of the present pictures whose fused row changed after a generation."""
        query = "SELECT id FROM pictures WHERE revision > ? AND state = ? ORDER BY id"
        return self.column(query, generation, PRESENT)

    def moved(self) -> list[int]:
        """Ids of the missing pictures whose bytes are present under another name.

        A folder in which nothing is present is left out: on an unplugged disk, a copy is no move.
        """
        query = """
            SELECT gone.id FROM pictures gone WHERE gone.state = ?
            AND EXISTS (SELECT * FROM pictures there
                WHERE there.content_hash = gone.content_hash AND there.state = ?)
            AND EXISTS (SELECT * FROM pictures beside
                WHERE beside.folder_id = gone.folder_id AND beside.state != ?)"""
        return self.column(query, MISSING, PRESENT, MISSING)

    def content_hashes(self) -> set[bytes]:
        """The contents of all pictures that were ever read and are not forgotten."""
        query = "SELECT content_hash FROM pictures WHERE content_hash IS NOT NULL"
        return set(self.column(query))

    def ids_of_content(self, content_hash: bytes) -> list[int]:
        """The pictures that consist of these bytes."""
        return self.column("SELECT id FROM pictures WHERE content_hash = ?", content_hash)

    def picture_at(self, path: Path) -> tuple[int, bytes | None] | None:
        """Id and content of the picture last seen at an absolute path, even if it is gone now."""
        whole = os.fsencode(path)
        for key, folder in self.rows("SELECT id, path FROM folders"):
            start = folder.rstrip(b"/") + b"/"
            if whole.startswith(start):
                query = "SELECT id, content_hash FROM pictures WHERE folder_id = ? AND relative = ?"
                for found in self.rows(query, key, whole[len(start) :]):
                    return found[0], found[1]
        return None

    def segments(self) -> tuple[str | None, list[tuple[str, str, bytes]]]:
        """The setting "vectors", and the files of the vector index with checksums and keys."""
        query = """
            SELECT value, file, checksum, keys FROM (SELECT ? AS key)
            LEFT JOIN settings USING (key) LEFT JOIN segments ON 1 ORDER BY position"""
        rows = self.rows(query, VECTORS)  # in one statement: a writer may replace both
        return rows[0][0], [row[1:] for row in rows if row[1] is not None]

    def integrity(self) -> list[str]:
        """The complaints of SQLite's check of the whole file."""
        complaints = self.column("PRAGMA integrity_check(100)")
        return [] if complaints == ["ok"] else complaints

    def orphans(self) -> list[tuple[str, int]]:
        """Rows, by table and number, that refer to something that is not there."""
        return [(row[0], row[1]) for row in self.rows("PRAGMA foreign_key_check")]
