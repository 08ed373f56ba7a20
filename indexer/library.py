"""A library: a catalogue and a vector index that agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from indexer.batch import Batch
from indexer.cached_index import CachedIndex
from indexer.catalogue import Catalogue
from indexer.compressed import CompressedFacts
from indexer.database import (
    FILE,
    check_schema,
    create_tables,
    explained,
    is_unfinished,
    is_vacant,
    open_engine,
)
from indexer.directory import is_file, make_directory, occupied
from indexer.embeddings import Embedded, Embeddings
from indexer.encoders import Encoder, load_encoder
from indexer.errors import (
    EncoderMismatch,
    LibraryDamaged,
    LibraryError,
    LibraryNotFound,
)
from indexer.fusion import Fusion, open_fusion
from indexer.golden import golden_of
from indexer.kept_fusion import forget_fusions, is_kept, keep_fusion, kept_fusion
from indexer.schema import COMPRESSED, GENERATION, SETTINGS
from indexer.segments import FusedRows, Stored
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION, DEFAULT_WEIGHT, LibrarySettings
from indexer.tagging.tags import Tags
from indexer.vectors import VectorIndex


class Library:
    """A directory with a catalogue, a vector index and thumbnails; a context manager.

    Open one with `Library.open`, make one with `Library.create`; change it within `writing()`.
    """

    def __init__(
        self, path: Path, engine: Engine, *, read_only: bool, offline: bool, cache: Path | None
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.offline = offline
        self.cache = cache
        self.catalogue = Catalogue(engine, path)
        self.embeddings = Embeddings(engine, path)
        self.tags = Tags(engine, path)
        self._engine = engine
        self._encoder: Encoder | None = None
        self._fusion: Fusion | None = None
        self.index = CachedIndex(self)

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
            raise occupied(path)
        fused = open_fusion(fusion)
        # It will be indexed at once: what decodes gets ready while the encoder is opened.
        import_module("indexer.workers").prepare_workers("indexer.decoding")
        made = load_encoder(encoder, cache=cache, offline=offline)
        golden = golden_of(made)
        fused.check_encoder(made)
        settings = LibrarySettings(made.name, made.fingerprint, made.dim)
        settings = settings.with_fusion(fused.name, fused.fingerprint)

        def fill(connection: Connection) -> None:
            with Session(connection) as session:
                batch = Batch(session, 1)
                batch.put_encoder(made, golden)
                batch.set(SETTINGS, settings.to_json())
                keep_fusion(batch, fused)
                batch.set(GENERATION, "1")
                session.flush()

        make_directory(path)
        with explained(path):
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
        path = Path(path).expanduser().absolute()
        if not is_file(path / FILE) or is_unfinished(path):
            if not is_vacant(path):
                raise LibraryNotFound(f"{path}: not a picfuse library; name another with --library")
            raise LibraryNotFound(
                f"{path}: no library here; 'picfuse index FOLDER --library {path}' makes one"
            )
        with explained(path):
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
        stored = self.catalogue.setting(SETTINGS)
        if stored is None:
            raise LibraryDamaged(f"{self.path}: the library has no settings; index into a new one")
        return LibrarySettings.from_json(stored)

    @property
    def generation(self) -> int:
        """Number of batches ever written."""
        return int(self.catalogue.setting(GENERATION) or 0)

    @property
    def fusion(self) -> Fusion:
        """The fusion of the stored rows. Raises `LibraryDamaged` when its weights are lost."""
        settings = self.settings
        if self._fusion is None or self._fusion.fingerprint != settings.fused_by:
            self._fusion = kept_fusion(self.catalogue, settings)
        return self._fusion

    @property
    def encoder(self) -> Encoder:
        """The encoder that made this library. Raises `EncoderMismatch` when it has changed."""
        settings = self.settings
        if self._encoder is None or self._encoder.fingerprint != settings.fingerprint:
            found = load_encoder(settings.encoder, cache=self.cache, offline=self.offline)
            if found.fingerprint != settings.fingerprint:
                raise EncoderMismatch(
                    f"{self.path}: made with another version of {settings.encoder!r} "
                    f"({settings.fingerprint[:8]}, now {found.fingerprint[:8]}); run 'picfuse "
                    f"index --model {settings.encoder}' to move it to this one"
                )
            self._encoder = found
        return self._encoder

    @encoder.setter
    def encoder(self, loaded: Encoder) -> None:
        self._encoder = loaded

    @property
    def encoder_id(self) -> int:
        """The catalogue's number of the library's encoder."""
        found = self.catalogue.encoder(self.settings.fingerprint)
        if found is None:
            raise LibraryDamaged(f"{self.path}: its encoder is not known; index into a new library")
        return found.id

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
            raise LibraryError(f"{self.path}: opened for reading only")
        with explained(self.path), Session(self._engine) as session, session.begin():
            session.execute(text("BEGIN IMMEDIATE"))
            yield session

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

    @property
    def weight(self) -> float:
        """The weight of queries that name none; a fusion that takes none has its own."""
        return self.settings.weight if self.fusion.weighable else DEFAULT_WEIGHT

    def set_weight(self, weight: float) -> None:
        """Let queries that name no weight ask with this one. Raises `InputError`."""
        self.fusion.check_weight(weight)
        with self.writing() as batch:
            batch.set(SETTINGS, self.settings.with_weight(weight).to_json())

    def embedded(self, picture_ids: Sequence[int]) -> Embedded:
        """Independent features of pictures; those that are not embedded are left out."""
        return self.embeddings.embedded(self.encoder_id, self.settings.dim, picture_ids)

    def fused(self, picture_ids: Sequence[int]) -> FusedRows:
        """Pictures, their fused rows and which have a caption, made from stored embeddings."""
        found = self.embedded(picture_ids)
        rows = self.fusion.pictures(found.v_i, found.v_t, found.has_caption)
        return found.ids, rows, found.has_caption

    @property
    def width(self) -> int:
        """Width of a fused row."""
        return self.fusion.width(self.settings.dim)

    @property
    def made_with(self) -> str:
        """What fused rows depend on beside the embeddings: the encoder and the fusion."""
        settings = self.settings
        return f"{settings.fingerprint} {settings.fused_by}"

    def vectors(self) -> VectorIndex:
        """The vector index, caught up with the catalogue; it never changes.

        Opening it reads no rows. Those that are asked for are checked then: `RowsDamaged` names
        a file that is to be distrusted.
        """
        return self.index.current()

    def save_vectors(self) -> None:
        """Bring the segments on disk up to date, as far as the changes are worth it."""
        self.index.save()

    @property
    def compressed(self) -> CompressedFacts:
        """What is on disk of a compressed index."""
        return CompressedFacts.from_json(self.catalogue.setting(COMPRESSED), self.made_with)

    def put_compressed(self, facts: CompressedFacts) -> None:
        """Note what is on disk of a compressed index, and delete what is not used any more."""
        with self._transaction() as session:
            Batch(session, self.generation).set(COMPRESSED, facts.to_json())
        self.index.forget()

    def put_segments(self, stored: Stored) -> None:
        """Note what is on disk of the vector index; the library itself does not change by it."""
        with self._transaction() as session:
            rows = [(s.file, s.checksum, s.keys.tobytes()) for s in stored.segments]
            Batch(session, stored.generation).put_segments(stored.facts, rows)
