"""The embeddings of a library: rows of one encoder, found by content or by picture."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Engine, func, select
from sqlalchemy.orm import Session

from indexer.catalogue.database import sqlite_errors
from indexer.catalogue.engine import reading_by
from indexer.catalogue.lookup.embeddings import PictureEmbeddings
from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.schema import CaptionRow, EmbeddingRow, FolderRow, PictureRow
from indexer.catalogue.values import LATEST, NEVER, PRESENT, unpack
from indexer.embedding import IMAGE, TEXT, Rows, unit_rows


def unused_parts() -> Iterator[ColumnElement[bool]]:
    """Conditions for embeddings, one for each modality, that nothing has any more."""
    for modality, used in ((IMAGE, PictureRow.content_hash), (TEXT, CaptionRow.text_hash)):
        query = select(used).where(used.is_not(None))
        yield (EmbeddingRow.modality == modality) & EmbeddingRow.hash.not_in(query)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A picture's file as it was when it was indexed."""

    path: bytes
    size: int
    mtime_ns: int

    @property
    def waits(self) -> bool:
        """Whether the next run of indexing looks at it in any case."""
        return self.mtime_ns == NEVER

    def is_as_indexed(self) -> bool:
        """Whether size and time of change are still the same."""
        try:
            now = os.stat(self.path)  # noqa: PTH116 - bytes
        except OSError:
            return False
        return (now.st_size, min(now.st_mtime_ns, LATEST)) == (self.size, self.mtime_ns)


class Embeddings(PictureEmbeddings):
    """Read access to the embeddings of one library; by an engine, or within a transaction."""

    def __init__(self, source: Engine | Connection, library: Path) -> None:
        super().__init__(reading_by(source), library)
        self._source = source

    def stored(self, encoder_id: int, modality: str, hashes: Collection[bytes]) -> set[bytes]:
        """Which of these contents have an embedding already."""
        found: set[bytes] = set()
        e = EmbeddingRow
        with self._reading() as session:
            for part in chunks(list(hashes)):
                query = select(e.hash).where(
                    e.encoder_id == encoder_id, e.modality == modality, e.hash.in_(part)
                )
                found.update(session.scalars(query))
        return found

    def contents_of_sizes(
        self, encoder_id: int, sizes: Collection[int]
    ) -> dict[int, frozenset[bytes]]:
        """By size in bytes: contents that need no look inside, being embedded, or known as bad."""
        e, p = EmbeddingRow, PictureRow
        mine = (e.encoder_id == encoder_id) & (e.modality == IMAGE) & (e.hash == p.content_hash)
        found: dict[int, set[bytes]] = {}
        with self._reading() as session:
            for part in chunks(list(sizes)):
                query = (
                    select(p.size, p.content_hash)
                    .join(e, mine, isouter=True)
                    .where(p.size.in_(part), p.content_hash.is_not(None))
                    .where(p.reason.is_not(None) | (e.id.is_not(None) & p.format.is_not(None)))
                )
                for row in session.execute(query):
                    found.setdefault(row.size, set()).add(row.content_hash)
        return {size: frozenset(contents) for size, contents in found.items()}

    def pictures_without(self, encoder_id: int | None) -> list[tuple[bytes, StoredFile]]:
        """The present pictures that lack an embedding of an encoder, each with its content.

        None is an encoder that has none at all.
        """
        e, p = EmbeddingRow, PictureRow
        mine = (e.encoder_id == encoder_id) & (e.modality == IMAGE) & (e.hash == p.content_hash)
        query = (
            select(p.content_hash, FolderRow.path, p.relative, p.size, p.mtime_ns)
            .join(FolderRow)
            .join(e, mine, isouter=True)
            .where(p.state == PRESENT, e.id.is_(None))
        )
        with self._reading() as session:
            return [
                (r.content_hash, StoredFile(os.path.join(r.path, r.relative), r.size, r.mtime_ns))
                for r in session.execute(query)
            ]

    def texts_without(self, encoder_id: int, size: int) -> Iterator[tuple[int, dict[bytes, str]]]:
        """Captions that lack an embedding of an encoder, in runs by their hash.

        Each run comes with the number of captions that lack one, from it on.
        """
        e, c, last = EmbeddingRow, CaptionRow, 0
        mine = (e.encoder_id == encoder_id) & (e.modality == TEXT) & (e.hash == c.text_hash)
        lacking = select(c.id, c.text_hash, c.text).join(e, mine, isouter=True)
        while True:
            query = lacking.where(e.id.is_(None), c.id > last).order_by(c.id)
            with self._reading() as session:
                left = session.scalar(select(func.count()).select_from(query.subquery())) or 0
                rows = session.execute(query.limit(size)).all()
            if not rows:
                return
            last = rows[-1].id
            yield left, {row.text_hash: row.text for row in rows}

    def captions_without(self, encoder_id: int) -> list[tuple[int, str]]:
        """Captions of present pictures that lack an embedding: picture and text."""
        e, c = EmbeddingRow, CaptionRow
        mine = (e.encoder_id == encoder_id) & (e.modality == TEXT) & (e.hash == c.text_hash)
        query = (
            select(c.picture_id, c.text)
            .join(PictureRow)
            .join(e, mine, isouter=True)
            .where(e.id.is_(None), PictureRow.state == PRESENT, PictureRow.mtime_ns != NEVER)
        )
        with self._reading() as session:
            return [(row.picture_id, row.text) for row in session.execute(query)]

    def of_pixels(self, encoder_id: int, hashes: Collection[bytes]) -> dict[bytes, bytes]:
        """Stored rows of pictures as they are, by the hash of their pixels."""
        contents: dict[bytes, bytes] = {}
        p = PictureRow
        with self._reading() as session:
            for part in chunks(list(hashes)):
                query = select(p.content_hash, p.pixels_hash).where(p.pixels_hash.in_(part))
                contents |= {row.content_hash: row.pixels_hash for row in session.execute(query)}
        rows = self.of_contents(encoder_id, IMAGE, contents)
        return {contents[content]: row for content, row in rows.items()}

    def count(self, encoder_id: int) -> int:
        """How many embeddings an encoder has."""
        query = select(func.count()).where(EmbeddingRow.encoder_id == encoder_id)
        with self._reading() as session:
            return session.scalar(query) or 0

    def raw(self, encoder_id: int, size: int = 5000) -> Iterator[list[tuple[int, bytes]]]:
        """All embeddings of an encoder in runs, each with the number of its row."""
        e, last = EmbeddingRow, 0
        while True:
            query = select(e.id, e.vector).where(e.encoder_id == encoder_id, e.id > last)
            with self._reading() as session:
                rows = session.execute(query.order_by(e.id).limit(size)).all()
            if not rows:
                return
            last = rows[-1].id
            yield [(row.id, row.vector) for row in rows]

    def unused(self) -> int:
        """How many embeddings belong to no picture and to no caption."""
        with self._reading() as session:
            return sum(
                session.scalar(select(func.count()).select_from(EmbeddingRow).where(part)) or 0
                for part in unused_parts()
            )

    def caption_embeddings(
        self, encoder_id: int, dim: int, ids: Sequence[int]
    ) -> tuple[NDArray[np.int64], Rows]:
        """The owner of each different caption of pictures (m,), and its embedding (m, dim)."""
        e = EmbeddingRow
        found: dict[tuple[int, bytes], bytes] = {}
        with self._reading() as session:
            for part in chunks(ids):
                query = (
                    select(CaptionRow.picture_id, CaptionRow.text_hash, e.vector)
                    .join(e, (e.hash == CaptionRow.text_hash) & (e.modality == TEXT))
                    .where(e.encoder_id == encoder_id, CaptionRow.picture_id.in_(part))
                    .order_by(CaptionRow.picture_id, CaptionRow.embedded, CaptionRow.position)
                )
                for owner, key, vector in session.execute(query):
                    found.setdefault((owner, key), vector)
        owners = np.array([owner for owner, _ in found], dtype=np.int64)
        return owners, unit_rows(unpack(list(found.values()), dim))

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with sqlite_errors(self._library), Session(self._source) as session:
            yield session
