"""A library: a catalogue and a vector index that agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from indexer.catalogue.database import (
    Connect,
    Connections,
    is_up_to_date,
    sqlite_errors,
    to_read,
    to_write,
)
from indexer.catalogue.lookup.albums import AlbumLookup
from indexer.catalogue.lookup.captions import CaptionLookup
from indexer.catalogue.lookup.comparisons import ComparisonLookup
from indexer.catalogue.lookup.facts import FactLookup
from indexer.catalogue.lookup.passed_over import PassedOverLookup
from indexer.catalogue.lookup.picked import PickedLookup
from indexer.catalogue.lookup.readings import ReadingLookup
from indexer.catalogue.lookup.tags import TagLookup
from indexer.catalogue.lookup.words import WordLookup
from indexer.catalogue.values import (
    CALIBRATION,
    COMPRESSED,
    GENERATION,
    SETTINGS,
    TOLD_OF_MODELS,
)
from indexer.confidence.calibration import Calibration
from indexer.embedding import Rows
from indexer.encoders import load_encoder
from indexer.errors import LibraryError
from indexer.fusion import open_fusion
from indexer.library.directory import cannot_create_error, existing_library, is_vacant
from indexer.library.kept_fusion import forget_fusions, is_kept, keep_fusion
from indexer.library.segments import SegmentManifest
from indexer.library.state import LibraryState
from indexer.library.vector_cache import CachedIndex
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION
from indexer.vectors.compressed import CompressedState
from indexer.vectors.index import VectorIndex

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from indexer.catalogue.changes.batch import Batch


class Library(LibraryState):
    """A directory with a catalogue, a vector index and thumbnails; a context manager.

    Open one with `Library.open`, make one with `Library.create`. `catalogue`, `embeddings`,
    `tags`, `words`, `facts`, `captions`, `readings`, `comparisons`, `passed_over`, `albums` and
    `picked` answer questions, `writing()` changes things, `vectors()` gives the rows to search.
    Reading is plain SQL; SQLAlchemy is imported with the first write, so that a query does not wait
    for it.
    """

    def __init__(
        self,
        path: Path,
        connections: Connections,
        *,
        read_only: bool,
        offline: bool = False,
        cache: Path | None = None,
    ) -> None:
        super().__init__(path, connections.reading)
        self.read_only = read_only
        self.offline = offline
        self.cache = cache
        self.tags = TagLookup(connections.reading, path)
        self.facts = FactLookup(connections.reading, path)
        self.captions = CaptionLookup(connections.reading, path)
        self.readings = ReadingLookup(connections.reading, path)
        self.comparisons = ComparisonLookup(connections.reading, path)
        self.passed_over = PassedOverLookup(connections.reading, path)
        self.words = WordLookup(connections.reading, path)
        self.albums = AlbumLookup(connections.reading, path)
        self.picked = PickedLookup(connections.reading, path)
        self._connections = connections
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
        """Make an empty library; its directory must be empty or not exist yet."""
        path = Path(path).expanduser().absolute()
        if not is_vacant(path):
            raise cannot_create_error(path)
        opened = open_fusion(fusion)
        # It will be indexed at once: the decoding processes start while the encoder is opened.
        import_module("indexer.pictures.workers").prepare_workers("indexer.pictures.pool")
        loaded = load_encoder(encoder, cache=cache, offline=offline)
        import_module("indexer.library.creation").create_library(path, loaded, opened)
        with sqlite_errors(path):
            connections = Connections(to_write(path))
        library = cls(path, connections, read_only=False, offline=offline, cache=cache)
        library.use_encoder(loaded)
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
        """Open a library, migrated if need be. Raises `LibraryNotFound` and other `LibraryError`s.

        One that is `read_only` is neither written to nor migrated.
        """
        path = existing_library(path)
        with sqlite_errors(path):
            connections = Connections(to_read(path) if read_only else to_write(path))
        library = cls(path, connections, read_only=read_only, offline=offline, cache=cache)
        try:
            if not is_up_to_date(connections.reading, path, read_only=read_only):
                with sqlite_errors(path):
                    import_module("indexer.catalogue.migrate").upgrade(library._engine)
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
        """Close the catalogue; one that has written first empties its journal: a copy is whole.

        Emptying waits for other writers, so one that has only read leaves it to them.
        """
        engine: Engine | None = vars(self).pop("_engine", None)
        if engine is not None:
            with suppress(Exception), self._connections.reading() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            engine.dispose()
        self._connections.close()

    @property
    def thumbnails(self) -> Path:
        """The folder of the thumbnails."""
        return self.path / "thumbnails"

    @property
    def rows_key(self) -> str:
        """The key of its rows: rows of one encoder mean nothing to a query of another."""
        return self.vectors_key

    @contextmanager
    def asking(self, where: str | None, date_order: str) -> Iterator[Self]:
        """The library itself: it can answer any question."""
        yield self

    def gather(self, rows: Rows | None, weight: float, count: int) -> None:
        """Do nothing: all rows are at hand."""

    def distrust(self, file: str) -> None:
        """Stop using a damaged file of the vector index: its rows are fused again."""
        self.index.distrust(file)

    def vectors(self) -> VectorIndex:
        """The vector index, caught up with the catalogue; it never changes.

        Opening it reads no rows. Rows are checked when they are read: `RowsDamaged` names a file
        that is to be distrusted.
        """
        return self.index.current()

    @contextmanager
    def writing(self) -> Iterator[Batch]:
        """One batch of changes in one transaction: all of it is stored, or nothing."""
        with self._batch(1) as batch:
            yield batch
            batch.settings.set(GENERATION, str(batch.generation))

    @contextmanager
    def _batch(self, generations: int = 0, engine: Engine | None = None) -> Iterator[Batch]:
        """A batch that adds this many generations; notes on caches add none."""
        if self.read_only:
            raise LibraryError(f"{self.path}: opened read-only")
        changes = import_module("indexer.catalogue.changes.batch")
        with changes.transaction(engine or self._engine, self.path) as session:
            yield changes.Batch(session, self.generation + generations)

    @cached_property
    def _engine(self) -> Engine:
        """SQLAlchemy's engine, which writes."""
        return self._engine_of(self._connections.connect)

    def _engine_of(self, connect: Connect) -> Engine:
        engine: Engine = import_module("indexer.catalogue.engine").open_engine(connect)
        return engine

    def set_fusion(self, name: str) -> None:
        """Fuse by another strategy: rows are made again from stored embeddings, none is encoded.

        Learned weights are copied into the catalogue. Raises `InputError` for a fusion that does
        not exist or does not fit the encoder, and `ModelError` for one that cannot be read.
        """
        fusion = open_fusion(name, encoder=self.encoder)
        settings = self.settings.with_fusion(fusion.name, fusion.fingerprint)
        if settings.fusion_key == self.settings.fusion_key and is_kept(self.catalogue, fusion):
            return
        with self.writing() as batch:
            forget_fusions(batch, self.catalogue, settings)
            keep_fusion(batch, fusion)
            batch.settings.set(SETTINGS, settings.to_json())

    def set_weight(self, weight: float) -> None:
        """Set the weight of queries that name none. Raises `InputError`."""
        self.fusion.check_weight(weight)
        with self.writing() as batch:
            batch.settings.set(SETTINGS, self.settings.with_weight(weight).to_json())

    def set_reads_text(self, reads_text: bool) -> None:
        """Set whether indexing reads the text in pictures; what was read stays."""
        with self.writing() as batch:
            settings = replace(self.settings, reads_text=reads_text)
            batch.settings.set(SETTINGS, settings.to_json())

    def save_vectors(self) -> None:
        """Bring the segments on disk up to date, if there is enough to write."""
        self.index.save(self.put_segments)

    def put_segments(self, manifest: SegmentManifest) -> None:
        """Note the files of the vector index; the library itself does not change by it."""
        rows = [(s.file, s.checksum, s.keys.tobytes()) for s in manifest.segments]
        with self._batch() as batch:
            batch.segments.replace(manifest.facts, rows)

    def put_captions_digest(self, folder_id: int, digest: bytes | None, told: str | None) -> None:
        """Note that the captions beside a folder's pictures are stored; None: they may not be."""
        with self._batch() as batch:
            batch.folders.keep_captions_digest(folder_id, digest, told)

    def put_compressed(self, state: CompressedState) -> None:
        """Note the files of the compressed index, and delete those that are no longer used."""
        with self._batch() as batch:
            batch.settings.set(COMPRESSED, state.to_json())
        self.index.forget()

    def put_comparisons(self, found: Mapping[tuple[bytes, bytes], bool], rule: str) -> None:
        """Keep whether pairs of contents show the same picture, in place of what other rules found.

        The library itself does not change by it. Raises `LibraryLocked` at once when another
        process is writing: they are not worth waiting for.
        """
        engine = self._engine_of(to_write(self.path, waits=False))
        try:
            with self._batch(engine=engine) as batch:
                batch.comparisons.put(found, rule)
        finally:
            engine.dispose()

    def put_calibration(self, calibration: Calibration) -> None:
        """Keep a calibration; the library itself does not change by it."""
        with self._batch() as batch:
            batch.settings.set(CALIBRATION, calibration.to_json())

    @property
    def told_of_models(self) -> bool:
        """Whether the user was told that there are stronger models."""
        return self.catalogue.setting(TOLD_OF_MODELS) is not None

    def put_told_of_models(self) -> None:
        """Note that the user was told of stronger models; the library itself does not change."""
        with self._batch() as batch:
            batch.settings.set(TOLD_OF_MODELS, "yes")
