"""A library: a catalogue and a vector index that agree."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from indexer.batch import Batch
from indexer.catalogue import Catalogue, Embedded, chunks
from indexer.database import FILE, check_schema, explained, migrate, open_engine
from indexer.encoders import Encoder, load_encoder
from indexer.errors import (
    EncoderMismatch,
    LibraryDamaged,
    LibraryError,
    LibraryNotFound,
)
from indexer.fusion import Fusion, open_fusion
from indexer.schema import EncoderRow
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION, LibrarySettings
from indexer.vectors import VectorIndex

SETTINGS, GENERATION, VECTORS = "library", "generation", "vectors"
FUSE_AT_ONCE = 5000  # pictures whose rows are made in one go: 20 MB of embeddings


@dataclass(frozen=True, slots=True)
class _Held:
    """A vector index in memory, what it agrees with, and whether its file does too."""

    index: VectorIndex
    generation: int
    fusion: str
    saved: bool


class Library:
    """A directory with a catalogue, a vector index and thumbnails; a context manager.

    Open one with `Library.open`, make one with `Library.create`. `catalogue` answers questions,
    `writing()` changes things, `vectors()` gives the rows to search.
    """

    def __init__(
        self, path: Path, engine: Engine, *, read_only: bool, offline: bool, cache: Path | None
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.offline = offline
        self.catalogue = Catalogue(engine, path)
        self._engine = engine
        self._cache = cache
        self._held: _Held | None = None

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        encoder: str = DEFAULT_ENCODER,
        fusion: str = DEFAULT_FUSION,
        offline: bool = False,
        cache: Path | None = None,
    ) -> Self:
        """Make an empty library; its directory must be empty or not exist yet."""
        path = Path(path).expanduser().absolute()
        if path.exists() and not path.is_dir():
            raise LibraryNotFound(f"{path}: a file, not a library; name a directory")
        if (path / FILE).is_file():
            raise LibraryError(f"{path}: a library already; open it with Library.open")
        if path.is_dir() and any(path.iterdir()):
            raise LibraryNotFound(
                f"{path}: neither a library nor empty; name another directory for the library"
            )
        fused = open_fusion(fusion)
        made = load_encoder(encoder, cache=cache, offline=offline)
        # The towers are exported now, so that no query ever waits for it.
        made.encode_images(np.zeros((1, made.transform.size, made.transform.size, 3), np.uint8))
        made.encode_texts(["a picture"])
        _make_directory(path)
        with explained(path):
            engine = open_engine(path)
            migrate(engine)
        library = cls(path, engine, read_only=False, offline=offline, cache=cache)
        library.encoder = made
        settings = LibrarySettings(made.name, made.fingerprint, made.dim, fused.name)
        with library.writing() as batch:
            batch.encoder_id(made)
            batch.set(SETTINGS, settings.to_json())
        return library

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        read_only: bool = False,
        offline: bool = False,
        cache: Path | None = None,
    ) -> Self:
        """Open a library. Raises `LibraryNotFound` and `LibraryDamaged`."""
        path = Path(path).expanduser().absolute()
        if not _is_file(path / FILE):
            if path.exists() and not (path.is_dir() and not any(path.iterdir())):
                raise LibraryNotFound(f"{path}: not a picfuse library; name another with --library")
            raise LibraryNotFound(
                f"{path}: no library here; 'picfuse index FOLDER --library {path}' makes one"
            )
        engine = open_engine(path, read_only=read_only)
        library = cls(path, engine, read_only=read_only, offline=offline, cache=cache)
        try:
            check_schema(engine, path, read_only=read_only)
        except BaseException:
            library.close()
            raise
        return library

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the catalogue; a writer first empties its journal, so that a copy is whole."""
        if not self.read_only:
            with suppress(Exception), self._engine.connect() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        self._engine.dispose()

    @property
    def thumbnails(self) -> Path:
        """Folder of the thumbnails."""
        return self.path / "thumbnails"

    @property
    def settings(self) -> LibrarySettings:
        """What the vectors were made with."""
        with explained(self.path):
            stored = self.catalogue.setting(SETTINGS)
        if stored is None:
            raise LibraryDamaged(f"{self.path}: the library has no settings; index into a new one")
        return LibrarySettings.from_json(stored)

    @property
    def generation(self) -> int:
        """Number of batches ever written."""
        with explained(self.path):
            return int(self.catalogue.setting(GENERATION) or 0)

    @property
    def fusion(self) -> Fusion:
        """The fusion of the stored rows."""
        return open_fusion(self.settings.fusion)

    @cached_property
    def encoder(self) -> Encoder:
        """The encoder that made this library. Raises `EncoderMismatch` when it has changed."""
        settings = self.settings
        found = load_encoder(settings.encoder, cache=self._cache, offline=self.offline)
        if found.fingerprint != settings.fingerprint:
            raise EncoderMismatch(
                f"{self.path}: made with another version of {settings.encoder!r} "
                f"({settings.fingerprint[:8]}, now {found.fingerprint[:8]}); index the folders "
                "into a new library with 'picfuse index FOLDER --library NEW'"
            )
        return found

    @property
    def encoder_id(self) -> int:
        """The catalogue's number of the library's encoder."""
        query = select(EncoderRow.id).where(EncoderRow.fingerprint == self.settings.fingerprint)
        with explained(self.path), Session(self._engine) as session:
            return session.scalars(query).one()

    @contextmanager
    def writing(self) -> Iterator[Batch]:
        """One batch of changes in one transaction: all of it is stored, or nothing."""
        if self.read_only:
            raise LibraryError(f"{self.path}: opened for reading only")
        with explained(self.path), Session(self._engine) as session, session.begin():
            session.execute(text("BEGIN IMMEDIATE"))
            batch = Batch(session, self.generation + 1)
            yield batch
            batch.set(GENERATION, str(batch.generation))

    def set_fusion(self, name: str) -> None:
        """Fuse by another strategy: rows are made again from stored embeddings, none is encoded."""
        fusion = open_fusion(name)
        with self.writing() as batch:
            batch.set(SETTINGS, self.settings.with_fusion(fusion.name).to_json())

    def embedded(self, picture_ids: list[int]) -> Embedded:
        """Independent features of pictures; those that are not embedded are left out."""
        with explained(self.path):
            return self.catalogue.embedded(self.encoder_id, self.settings.dim, picture_ids)

    def vectors(self) -> VectorIndex:
        """The vector index, caught up with the catalogue.

        One that was returned before is left as it is: another thread may be searching it.
        """
        generation, fusion, held = self.generation, self.fusion, self._held
        if held is None or held.generation > generation or held.fusion != fusion.fingerprint:
            held = self._stored_vectors(fusion)
        elif held.generation < generation:
            held = replace(held, index=held.index.copy())
        if held.generation < generation:
            with explained(self.path):
                self._catch_up(held.index, held.generation, fusion)
            held = replace(held, generation=generation, saved=False)
        self._held = held
        return held.index

    def save_vectors(self) -> None:
        """Write the vector index to its file, so that the next one who opens it finds it ready."""
        self.vectors()
        held = self._held
        if held is None or held.saved:
            return
        name = f"vectors-{held.generation}.faiss"
        held.index.save(self.path / name)
        facts = {"file": name, "generation": held.generation, "fusion": held.fusion}
        facts |= {"size": (self.path / name).stat().st_size}
        with explained(self.path), Session(self._engine) as session, session.begin():
            Batch(session, held.generation).set(VECTORS, json.dumps(facts))
        self._held = replace(held, saved=True)
        for stale in self.path.glob("vectors-*"):
            if stale.name != name:
                with suppress(OSError):  # it costs space, no more
                    stale.unlink()

    def _vector_facts(self) -> dict[str, object]:
        with explained(self.path):
            stored = self.catalogue.setting(VECTORS)
        return dict(json.loads(stored)) if stored else {}

    def _stored_vectors(self, fusion: Fusion) -> _Held:
        """The index in the file; an empty one of generation 0 where the file is no good."""
        width = fusion.width(self.settings.dim)
        facts = self._vector_facts()
        if facts and facts["fusion"] == fusion.fingerprint:
            path = self.path / str(facts["file"])
            with suppress(OSError, LibraryDamaged):
                if path.stat().st_size == facts["size"]:
                    index = VectorIndex.load(path, width)
                    return _Held(index, int(str(facts["generation"])), fusion.fingerprint, True)
        return _Held(VectorIndex(width), 0, fusion.fingerprint, False)

    def _catch_up(self, index: VectorIndex, generation: int, fusion: Fusion) -> None:
        """Bring rows up to date with what the catalogue changed after a generation."""
        present = np.array(self.catalogue.present_ids(), dtype=np.int64)
        index.remove(np.setdiff1d(index.picture_ids, present))
        for ids in chunks(self.catalogue.touched_since(generation), FUSE_AT_ONCE):
            found = self.embedded(list(ids))
            rows = fusion.pictures(found.v_i, found.v_t, found.has_caption)
            index.put(found.ids, rows, found.has_caption)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LibraryError(
            f"{path}: cannot be made ({os.strerror(error.errno or 0)}); name another with --library"
        ) from error


def _is_file(path: Path) -> bool:
    """Whether a file is there. Raises `LibraryError` where one may not look."""
    try:
        return path.is_file()
    except OSError as error:
        raise LibraryError(f"{path}: cannot be read ({os.strerror(error.errno or 0)})") from error
