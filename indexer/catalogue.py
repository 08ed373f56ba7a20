"""What a library knows: questions to its tables, answered as plain values."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, Row, func, select
from sqlalchemy.orm import Session

from indexer.database import explained
from indexer.encoders.protocol import IMAGE, TEXT, Rows, unit_rows
from indexer.schema import FAILED, PRESENT, Caption, Embedding, Folder, Picture, Setting, unpack

T = TypeVar("T")
CHUNK = 500  # SQLite's limit on variables of a statement is above it everywhere


@dataclass(frozen=True, slots=True)
class KnownFolder:
    """An indexed folder and what was said when it was named."""

    id: int
    path: Path
    exclude: str = "[]"
    caption_files: str = "[]"


@dataclass(frozen=True, slots=True)
class KnownPicture:
    """What a second look at a file is compared with."""

    id: int
    size: int
    mtime_ns: int
    state: str
    content_hash: bytes | None
    reason: str | None


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
class Embedded:
    """Independent features of pictures: `v_i`, `v_t` (n, dim) and which have a caption (n,)."""

    ids: NDArray[np.int64]
    v_i: Rows
    v_t: Rows
    has_caption: NDArray[np.bool_]


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """The items in runs of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


class Catalogue:
    """Read access to the tables of one library."""

    def __init__(self, engine: Engine, library: Path) -> None:
        self._engine = engine
        self._library = library

    def setting(self, key: str) -> str | None:
        """A named value, or None."""
        with self._reading() as session:
            return session.scalar(select(Setting.value).where(Setting.key == key))

    def folders(self) -> list[KnownFolder]:
        """Every indexed folder, in the order of naming."""
        with self._reading() as session:
            rows = session.scalars(select(Folder).order_by(Folder.id)).all()
        return [
            KnownFolder(r.id, Path(os.fsdecode(r.path)), r.exclude, r.caption_files) for r in rows
        ]

    def known_pictures(self, folder_id: int) -> dict[bytes, KnownPicture]:
        """Every picture ever seen in a folder, by its relative path."""
        p = Picture
        columns = (p.relative, p.id, p.size, p.mtime_ns, p.state, p.content_hash, p.reason)
        with self._reading() as session:
            rows = session.execute(select(*columns).where(p.folder_id == folder_id))
            return {row.relative: KnownPicture(*row[1:]) for row in rows}

    def captions(self, folder_id: int, *, embedded: bool) -> dict[int, tuple[str, ...]]:
        """Captions of a folder's pictures: those that pictures carry, or those beside them."""
        query = (
            select(Caption.picture_id, Caption.text)
            .join(Picture)
            .where(Picture.folder_id == folder_id, Caption.embedded == embedded)
            .order_by(Caption.picture_id, Caption.position)
        )
        found: dict[int, tuple[str, ...]] = {}
        with self._reading() as session:
            for picture_id, text in session.execute(query):
                found[picture_id] = (*found.get(picture_id, ()), text)
        return found

    def counts(self) -> dict[str, int]:
        """Numbers of pictures by state, and of captions of present pictures."""
        with self._reading() as session:
            states = select(Picture.state, func.count()).group_by(Picture.state)
            by_state: dict[str, int] = dict(session.execute(states).all())
            captions = select(func.count()).select_from(Caption).join(Picture)
            by_state["captions"] = session.scalar(captions.where(Picture.state == PRESENT)) or 0
        return by_state

    def failures(self) -> list[tuple[Path, str]]:
        """Pictures that could not be read, and why."""
        query = (
            select(Folder.path, Picture.relative, Picture.reason)
            .join(Folder)
            .where(Picture.state == FAILED)
            .order_by(Folder.path, Picture.relative)
        )
        with self._reading() as session:
            return [(full_path(f, r), reason or "") for f, r, reason in session.execute(query)]

    def pictures(self, ids: Iterable[int]) -> dict[int, PictureInfo]:
        """What is shown of present pictures, by id; ids that are gone are left out."""
        found: dict[int, PictureInfo] = {}
        p = Picture
        columns = (p.id, Folder.path, p.relative, p.content_hash, p.width, p.height)
        with self._reading() as session:
            for part in chunks(list(ids)):
                captions = _captions(session, part)
                query = select(*columns).join(Folder).where(p.id.in_(part), p.state == PRESENT)
                for key, folder, relative, content, width, height in session.execute(query):
                    path, texts = full_path(folder, relative), captions.get(key, ())
                    size = (width or 0, height or 0)
                    found[key] = PictureInfo(key, path, content or b"", *size, texts)
        return found

    def present_ids(self, *, limit: int | None = None, offset: int = 0) -> list[int]:
        """Ids of the present pictures in the order of folder and path."""
        query = select(Picture.id).where(Picture.state == PRESENT)
        query = query.order_by(Picture.folder_id, Picture.relative).offset(offset).limit(limit)
        with self._reading() as session:
            return list(session.scalars(query))

    def ids_of_content(self, content_hash: bytes) -> list[int]:
        """The pictures that consist of these bytes."""
        with self._reading() as session:
            return list(
                session.scalars(select(Picture.id).where(Picture.content_hash == content_hash))
            )

    def touched_since(self, generation: int) -> list[int]:
        """Ids of the present pictures whose fused row changed after a generation."""
        query = select(Picture.id).where(Picture.revision > generation, Picture.state == PRESENT)
        with self._reading() as session:
            return list(session.scalars(query.order_by(Picture.id)))

    def stored(self, encoder_id: int, modality: str, hashes: Collection[bytes]) -> set[bytes]:
        """Which of these contents have an embedding already."""
        found: set[bytes] = set()
        e = Embedding
        with self._reading() as session:
            for part in chunks(list(hashes)):
                query = select(e.hash).where(
                    e.encoder_id == encoder_id, e.modality == modality, e.hash.in_(part)
                )
                found.update(session.scalars(query))
        return found

    def embedded(self, encoder_id: int, dim: int, ids: Sequence[int]) -> Embedded:
        """Embeddings of pictures; those without an image embedding are left out.

        `v_t` is the normalised mean of the embeddings of a picture's different captions.
        """
        parts = [self._embedded(encoder_id, dim, part) for part in chunks(ids)]
        if not parts:
            parts = [self._embedded(encoder_id, dim, [])]
        return Embedded(
            np.concatenate([p.ids for p in parts]),
            np.concatenate([p.v_i for p in parts]),
            np.concatenate([p.v_t for p in parts]),
            np.concatenate([p.has_caption for p in parts]),
        )

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with explained(self._library), Session(self._engine) as session:
            yield session

    def _embedded(self, encoder_id: int, dim: int, ids: Sequence[int]) -> Embedded:
        e = Embedding
        mine = e.encoder_id == encoder_id
        images = (
            select(Picture.id, e.vector)
            .join(e, (e.hash == Picture.content_hash) & (e.modality == IMAGE) & mine)
            .where(Picture.id.in_(ids))
            .order_by(Picture.id)
        )
        texts = (  # equal texts of two sources share a hash and count once
            select(Caption.picture_id, e.vector)
            .join(e, (e.hash == Caption.text_hash) & (e.modality == TEXT) & mine)
            .where(Caption.picture_id.in_(ids))
            .distinct()
        )
        with self._reading() as session:
            return _assembled(session.execute(images).all(), session.execute(texts).all(), dim)

    def caption_embeddings(
        self, encoder_id: int, dim: int, ids: Sequence[int]
    ) -> tuple[NDArray[np.int64], Rows]:
        """The owner of each different caption of pictures (m,), and its embedding (m, dim)."""
        e = Embedding
        found: dict[tuple[int, bytes], bytes] = {}
        with self._reading() as session:
            for part in chunks(ids):
                query = (
                    select(Caption.picture_id, Caption.text_hash, e.vector)
                    .join(e, (e.hash == Caption.text_hash) & (e.modality == TEXT))
                    .where(e.encoder_id == encoder_id, Caption.picture_id.in_(part))
                    .order_by(Caption.picture_id, Caption.embedded, Caption.position)
                )
                for owner, key, vector in session.execute(query):
                    found.setdefault((owner, key), vector)
        owners = np.array([owner for owner, _ in found], dtype=np.int64)
        return owners, unit_rows(unpack(list(found.values()), dim))


def _assembled(
    images: Sequence[Row[int, bytes]], texts: Sequence[Row[int, bytes]], dim: int
) -> Embedded:
    """Rows of both modalities, lined up by picture."""
    position = {key: n for n, (key, _) in enumerate(images)}
    kept = [(position[key], vector) for key, vector in texts if key in position]
    owners = np.array([n for n, _ in kept], dtype=np.int64)
    v_t = np.zeros((len(images), dim), np.float32)
    np.add.at(v_t, owners, unpack([vector for _, vector in kept], dim))
    has_caption = np.zeros(len(images), np.bool_)
    has_caption[owners] = True
    v_i = unit_rows(unpack([vector for _, vector in images], dim))
    return Embedded(np.array(list(position), dtype=np.int64), v_i, unit_rows(v_t), has_caption)


def _captions(session: Session, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The different captions of pictures, those that lie beside them first."""
    query = (
        select(Caption.picture_id, Caption.text)
        .where(Caption.picture_id.in_(ids))
        .order_by(Caption.picture_id, Caption.embedded, Caption.position)
    )
    found: dict[int, dict[str, None]] = {}
    for picture_id, text in session.execute(query):
        found.setdefault(picture_id, {})[text] = None
    return {key: tuple(texts) for key, texts in found.items()}


def full_path(folder: bytes, relative: bytes) -> Path:
    """The path of a picture; bytes that are not UTF-8 survive as surrogates."""
    return Path(os.fsdecode(folder)) / os.fsdecode(relative)
