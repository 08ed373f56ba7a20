"""What a library knows: questions to its tables, answered as plain values."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Engine, exists, func, select, text
from sqlalchemy.orm import Session, aliased

from indexer.captions import Caption
from indexer.catalogue.database import sqlite_errors
from indexer.catalogue.engine import reading_by
from indexer.catalogue.lookup.pictures import Lookup
from indexer.catalogue.lookup.tables import CHUNK, chunks, full_path
from indexer.catalogue.schema import CaptionRow, EncoderRow, FolderRow, PictureRow
from indexer.catalogue.values import FAILED, MISSING, PRESENT


def carried_captions(session: Session, ids: Sequence[int]) -> dict[int, list[Caption]]:
    """The captions that pictures carry in their bytes."""
    query = (
        select(CaptionRow.picture_id, CaptionRow.text, CaptionRow.source)
        .where(CaptionRow.picture_id.in_(ids), CaptionRow.embedded)
        .order_by(CaptionRow.picture_id, CaptionRow.position)
    )
    found: dict[int, list[Caption]] = {}
    for picture_id, said, source in session.execute(query):
        found.setdefault(picture_id, []).append(Caption(said, source))
    return found


@dataclass(frozen=True, slots=True)
class IndexedFolder:
    """An indexed folder and what was said when it was named."""

    id: int
    path: Path
    exclude: str = "[]"
    caption_files: str = "[]"


class IndexedPicture(NamedTuple):
    """What a second look at a file is compared with.

    A tuple, because every run makes one of every picture: a frozen dataclass takes twice as long.
    """

    id: int
    size: int
    mtime_ns: int
    state: str
    content_hash: bytes | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """What the bytes of a picture tell, whatever its name; `reason` when they could not be read."""

    width: int | None = None
    height: int | None = None
    format: str | None = None
    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    perceptual_hash: bytes | None = None
    pixels_hash: bytes | None = None
    reason: str | None = None
    captions: tuple[Caption, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """What of it stands in the table of pictures, by column."""
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = [field.name for field in fields(ContentFacts) if field.name != "captions"]


class Catalogue(Lookup):
    """Read access to the tables of one library."""

    def __init__(self, engine: Engine, library: Path) -> None:
        super().__init__(reading_by(engine), library)
        self._engine = engine

    def folders(self) -> list[IndexedFolder]:
        """Every indexed folder, in the order of naming."""
        with self._reading() as session:
            rows = session.scalars(select(FolderRow).order_by(FolderRow.id)).all()
        return [
            IndexedFolder(r.id, Path(os.fsdecode(r.path)), r.exclude, r.caption_files) for r in rows
        ]

    def known_pictures(self, folder_id: int) -> dict[bytes, IndexedPicture]:
        """Every picture ever seen in a folder, by its relative path."""
        p = PictureRow
        columns = (p.relative, p.id, p.size, p.mtime_ns, p.state, p.content_hash, p.reason)
        query = select(*columns).where(p.folder_id == folder_id)
        with sqlite_errors(self._library), self._engine.connect() as connection:
            parts = connection.execute(query).partitions(CHUNK)
            return {row[0]: IndexedPicture(*row[1:]) for part in parts for row in part}

    def captions(self, folder_id: int, *, embedded: bool) -> dict[int, tuple[str, ...]]:
        """Captions of a folder's pictures: those that pictures carry, or those beside them."""
        query = (
            select(CaptionRow.picture_id, CaptionRow.text)
            .join(PictureRow)
            .where(PictureRow.folder_id == folder_id, CaptionRow.embedded == embedded)
            .order_by(CaptionRow.picture_id, CaptionRow.position)
        )
        found: dict[int, tuple[str, ...]] = {}
        with self._reading() as session:
            for picture_id, text in session.execute(query):
                found[picture_id] = (*found.get(picture_id, ()), text)
        return found

    def counts(self) -> dict[str, int]:
        """Numbers of pictures by state, and of captions of present pictures."""
        with self._reading() as session:
            states = select(PictureRow.state, func.count()).group_by(PictureRow.state)
            by_state: dict[str, int] = dict(session.execute(states).all())
            captions = select(func.count()).select_from(CaptionRow).join(PictureRow)
            by_state["captions"] = session.scalar(captions.where(PictureRow.state == PRESENT)) or 0
        return by_state

    def failures(self) -> list[tuple[Path, str]]:
        """Pictures that could not be read, and why."""
        query = (
            select(FolderRow.path, PictureRow.relative, PictureRow.reason)
            .join(FolderRow)
            .where(PictureRow.state == FAILED)
            .order_by(FolderRow.path, PictureRow.relative)
        )
        with self._reading() as session:
            return [(full_path(f, r), reason or "") for f, r, reason in session.execute(query)]

    def present_ids(self, *, limit: int | None = None, offset: int = 0) -> list[int]:
        """Ids of the present pictures in the order of folder and path."""
        query = select(PictureRow.id).where(PictureRow.state == PRESENT)
        query = (
            query.order_by(PictureRow.folder_id, PictureRow.relative).offset(offset).limit(limit)
        )
        with self._reading() as session:
            return list(session.scalars(query))

    def by_presence(self, folder_id: int) -> tuple[list[int], list[int]]:
        """Ids of a folder's pictures: those that are there, failed ones too, and the missing."""
        query = select(PictureRow.id, PictureRow.state).where(PictureRow.folder_id == folder_id)
        found: tuple[list[int], list[int]] = ([], [])
        with self._reading() as session:
            for key, state in session.execute(query):
                found[state == MISSING].append(key)
        return found

    def content_hashes(self) -> set[bytes]:
        """The contents of all pictures that were ever read and are not forgotten."""
        query = select(PictureRow.content_hash).where(PictureRow.content_hash.is_not(None))
        with self._reading() as session:
            return {content for content in session.scalars(query) if content is not None}

    def moved(self) -> list[int]:
        """Ids of the missing pictures whose bytes are present under another name.

        Not of a folder in which nothing is there: on an unplugged disk, a copy is no move.
        """
        there, beside = aliased(PictureRow), aliased(PictureRow)
        same = (there.content_hash == PictureRow.content_hash) & (there.state == PRESENT)
        plugged = (beside.folder_id == PictureRow.folder_id) & (beside.state != MISSING)
        query = select(PictureRow.id).where(
            PictureRow.state == MISSING, exists().where(same), exists().where(plugged)
        )
        with self._reading() as session:
            return list(session.scalars(query))

    def contents(self, hashes: Iterable[bytes]) -> dict[bytes, ContentFacts]:
        """What is known of the bytes behind these hashes."""
        p = PictureRow
        told = [getattr(p, name) for name in _COLUMNS]
        found: dict[bytes, ContentFacts] = {}
        with self._reading() as session:
            for part in chunks(list(hashes)):
                query = select(p.content_hash, p.id, *told).where(p.content_hash.in_(part))
                # Of copies, one that could be read: another may have failed for want of time.
                query = query.order_by(p.reason.is_(None), p.id)
                rows = {row.content_hash: row for row in session.execute(query)}.values()
                carried = carried_captions(session, [row.id for row in rows])
                for row in rows:
                    facts = {name: getattr(row, name) for name in _COLUMNS}
                    captions = tuple(carried.get(row.id, ()))
                    found[row.content_hash] = ContentFacts(**facts, captions=captions)
        return found

    def files_of(self, folder_id: int) -> dict[bytes, int]:
        """The size of every picture ever seen in a folder, by its relative path."""
        query = select(PictureRow.relative, PictureRow.size).where(
            PictureRow.folder_id == folder_id
        )
        with self._reading() as session:
            return {row.relative: row.size for row in session.execute(query)}

    def integrity(self) -> list[str]:
        """What SQLite's check of the whole file complains of."""
        with self._reading() as session:
            found = list(session.scalars(text("PRAGMA integrity_check(100)")))
        return [] if found == ["ok"] else found

    def orphans(self) -> list[tuple[str, int]]:
        """Rows, by table and number, that refer to something that is not there."""
        with self._reading() as session:
            return [(row[0], row[1]) for row in session.execute(text("PRAGMA foreign_key_check"))]

    def encoder(self, fingerprint: str) -> EncoderRow | None:
        """An encoder that made embeddings here."""
        with self._reading() as session:
            return session.scalar(select(EncoderRow).where(EncoderRow.fingerprint == fingerprint))

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with sqlite_errors(self._library), Session(self._engine) as session:
            yield session
