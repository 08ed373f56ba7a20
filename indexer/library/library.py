"""A library: a catalogue and a vector index that agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from indexer.catalogue.changes.batch import Batch
from indexer.catalogue.database import sqlite_errors
from indexer.catalogue.engine import create_tables, open_engine, reading_by
from indexer.catalogue.inventory.embeddings import Embeddings
from indexer.catalogue.inventory.pictures import Catalogue
from indexer.catalogue.inventory.tags import Tags
from indexer.catalogue.migrate import bring_up_to_date
from indexer.catalogue.values import CALIBRATION, COMPRESSED, GENERATION, SETTINGS
from indexer.catalogue.word_index import reindex_stale_words
from indexer.confidence.calibration import Calibration
from indexer.encoders import load_encoder
from indexer.encoders.golden import golden_of
from indexer.errors import LibraryError
from indexer.fusion import open_fusion
from indexer.library.directory import (
    cannot_create_error,
    existing_library,
    is_vacant,
    make_directory,
)
from indexer.library.kept_fusion import forget_fusions, is_kept, keep_fusion
from indexer.library.reading import ReadLibrary
from indexer.library.segments import SegmentManifest
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION, LibrarySettings
from indexer.vectors.compressed import CompressedState


class Library(ReadLibrary):
    """A directory with a catalogue, a vector index and thumbnails; a context manager.

    Open one with `Library.open`, make one with `Library.create`. `catalogue`, `embeddings`
    and `tags` answer questions, `writing()` changes things, `vectors()` gives the rows to search.
    """

    def __init__(
        self, path: Path, engine: Engine, *, read_only: bool, offline: bool, cache: Path | None
    ) -> None:
        super().__init__(path, reading_by(engine), offline=offline, cache=cache)
        self.read_only = read_only
        self._engine = engine
        self._catalogue = Catalogue(engine, path)
        self._all_embeddings = Embeddings(engine, path)
        self._all_tags = Tags(engine, path)

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
        """Make an empty library; its directory must be empty or not exist yet.

        It is made in one transaction: one that was killed leaves nothing that is in the way.
        """
        path = Path(path).expanduser().absolute()
        if not is_vacant(path):
            raise cannot_create_error(path)
        fused = open_fusion(fusion)
        # It will be indexed at once: what decodes gets ready while the encoder is opened.
        import_module("indexer.pictures.workers").prepare_workers("indexer.pictures.pool")
        made = load_encoder(encoder, cache=cache, offline=offline)
        golden = golden_of(made)
        fused.check_encoder(made)
        settings = LibrarySettings(made.name, made.fingerprint, made.dim)
        settings = settings.with_fusion(fused.name, fused.fingerprint)

        def fill(connection: Connection) -> None:
            with Session(connection) as session:
                batch = Batch(session, 1)
                batch.put_encoder(made.name, made.fingerprint, made.dim, golden)
                batch.set(SETTINGS, settings.to_json())
                keep_fusion(batch, fused)
                batch.set(GENERATION, "1")
                session.flush()

        make_directory(path)
        with sqlite_errors(path):
            engine = open_engine(path)
            create_tables(engine, fill)
        library = cls(path, engine, read_only=False, offline=offline, cache=cache)
        library.encoder = made
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
        path = existing_library(path)
        with sqlite_errors(path):
            engine = open_engine(path, read_only=read_only)
        library = cls(path, engine, read_only=read_only, offline=offline, cache=cache)
        try:
            bring_up_to_date(engine, path, read_only=read_only)
        except BaseException:
            library.close()
            raise
        return library

    def close(self) -> None:
        """Close the catalogue; a writer first empties its journal, so that a copy is whole."""
        if not self.read_only:
            with suppress(Exception), self._engine.connect() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        self._engine.dispose()

    @property
    def catalogue(self) -> Catalogue:
        """What is known of folders, pictures and captions."""
        return self._catalogue

    @property
    def embeddings(self) -> Embeddings:
        """The embeddings of pictures and captions."""
        return self._all_embeddings

    @property
    def tags(self) -> Tags:
        """The tag heads, and which pictures have which tags."""
        return self._all_tags

    @contextmanager
    def writing(self) -> Iterator[Batch]:
        """One batch of changes in one transaction: all of it is stored, or nothing."""
        with self._transaction() as session:
            batch = Batch(session, self.generation + 1)
            yield batch
            batch.set(GENERATION, str(batch.generation))

    @contextmanager
    def _transaction(self) -> Iterator[Session]:
        if self.read_only:
            raise LibraryError(f"{self.path}: opened read-only")
        with sqlite_errors(self.path), Session(self._engine) as session, session.begin():
            session.execute(text("BEGIN IMMEDIATE"))
            yield session
            session.flush()
            reindex_stale_words(reading_by(session.connection()))

    def set_fusion(self, name: str) -> None:
        """Fuse by another strategy: rows are made again from stored embeddings, none is encoded.

        Learned weights are copied into the catalogue. Raises `InputError` for a fusion that does
        not exist or does not fit the encoder, and `ModelError` for one that cannot be read.
        """
        fusion = open_fusion(name, encoder=self.encoder)
        settings = self.settings.with_fusion(fusion.name, fusion.fingerprint)
        if settings.fused_by == self.settings.fused_by and is_kept(self.catalogue, fusion):
            return
        with self.writing() as batch:
            forget_fusions(batch, self.catalogue, settings)
            keep_fusion(batch, fusion)
            batch.set(SETTINGS, settings.to_json())

    def set_weight(self, weight: float) -> None:
        """Let queries that name no weight ask with this one. Raises `InputError`."""
        self.fusion.check_weight(weight)
        with self.writing() as batch:
            batch.set(SETTINGS, self.settings.with_weight(weight).to_json())

    def save_vectors(self) -> None:
        """Bring the segments on disk up to date, as far as the changes are worth it."""
        self.index.save()

    def put_compressed(self, facts: CompressedState) -> None:
        """Note what is on disk of a compressed index, and delete what is not used any more."""
        with self._transaction() as session:
            Batch(session, self.generation).set(COMPRESSED, facts.to_json())
        self.index.forget()

    def put_calibration(self, calibration: Calibration) -> None:
        """Keep how sure a hit is; the library itself does not change by it."""
        with self._transaction() as session:
            Batch(session, self.generation).set(CALIBRATION, calibration.to_json())

    def put_segments(self, stored: SegmentManifest) -> None:
        """Note what is on disk of the vector index; the library itself does not change by it."""
        with self._transaction() as session:
            rows = [(s.file, s.checksum, s.keys.tobytes()) for s in stored.segments]
            Batch(session, stored.generation).put_segments(stored.facts, rows)
