"""A library that is read: its settings, encoder and fusion, what it knows, and its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from indexer.catalogue.database import (
    Connections,
    Reading,
    sqlite_errors,
    stored_schema,
    to_read,
    too_old_error,
)
from indexer.catalogue.lookup.albums import AlbumLookup
from indexer.catalogue.lookup.embeddings import PictureEmbeddings
from indexer.catalogue.lookup.pictures import Lookup
from indexer.catalogue.lookup.tags import TagLookup
from indexer.catalogue.lookup.words import WordLookup
from indexer.catalogue.values import CALIBRATION, COMPRESSED, GENERATION, SCHEMA, SETTINGS
from indexer.confidence.calibration import Calibration, built_in
from indexer.embedding import PictureFeatures
from indexer.encoders import Encoder, load_encoder
from indexer.errors import EncoderMismatch, LibraryDamaged, LibraryError
from indexer.fusion import Fusion
from indexer.library.directory import existing_library
from indexer.library.kept_fusion import kept_fusion
from indexer.library.segments import FusedRows, SegmentManifest
from indexer.library.vector_cache import CachedIndex
from indexer.settings import DEFAULT_WEIGHT, LibrarySettings
from indexer.vectors.compressed import CompressedState
from indexer.vectors.index import VectorIndex


class ReadLibrary:
    """A library of which is only asked what a search needs; a context manager.

    It imports no SQLAlchemy, so a search is answered before `Library` would be imported, which
    knows and does all that this one does.
    """

    read_only = True

    def __init__(
        self, path: Path, reading: Reading, *, offline: bool = False, cache: Path | None = None
    ) -> None:
        self.path = path
        self.offline = offline
        self.cache = cache
        self._lookup = Lookup(reading, path)
        self._embeddings = PictureEmbeddings(reading, path)
        self._tags = TagLookup(reading, path)
        self.words = WordLookup(reading, path)
        self.albums = AlbumLookup(reading, path)
        self._connections: Connections | None = None
        self._encoder: Encoder | None = None
        self._fusion: Fusion | None = None
        self.index = CachedIndex(self)

    @classmethod
    def open(cls, path: str | Path, *, offline: bool = False, cache: Path | None = None) -> Self:
        """Open a library to search it. Raises `LibraryNotFound` and other `LibraryError`s."""
        path = existing_library(path)
        with sqlite_errors(path):
            connections = Connections(to_read(path))
        library = cls(path, connections.reading, offline=offline, cache=cache)
        library._connections = connections
        try:
            found = stored_schema(connections.reading, path)
            if found != SCHEMA:
                raise too_old_error(path, found)
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
        """Close the catalogue."""
        if self._connections is not None:
            self._connections.close()

    @property
    def catalogue(self) -> Lookup:
        """What is known of pictures."""
        return self._lookup

    @property
    def embeddings(self) -> PictureEmbeddings:
        """The embeddings of pictures and captions."""
        return self._embeddings

    @property
    def tags(self) -> TagLookup:
        """Which tags there are, and which pictures have them."""
        return self._tags

    @property
    def thumbnails(self) -> Path:
        """Folder of the thumbnails."""
        return self.path / "thumbnails"

    @property
    def settings(self) -> LibrarySettings:
        """What the vectors were made with."""
        stored = self.catalogue.setting(SETTINGS)
        if stored is None:
            raise LibraryDamaged(
                f"{self.path}: the library has lost its settings; index the folders into a new one"
            )
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
        found = self.catalogue.encoder_id(self.settings.fingerprint)
        if found is None:
            raise LibraryDamaged(
                f"{self.path}: the library has lost its encoder; index the folders into a new one"
            )
        return found

    @property
    def weight(self) -> float:
        """The weight of queries that name none; a fusion that takes none has its own."""
        return self.settings.weight if self.fusion.weighable else DEFAULT_WEIGHT

    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
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

    @property
    def compressed(self) -> CompressedState:
        """What is on disk of a compressed index."""
        return CompressedState.from_json(self.catalogue.setting(COMPRESSED), self.made_with)

    @property
    def own_calibration(self) -> Calibration | None:
        """What was fitted to this library's captions; None where that is not of its rows."""
        stored = self.catalogue.setting(CALIBRATION)
        found = None if stored is None else Calibration.from_json(stored)
        return found if found is not None and found.made_with == self.made_with else None

    @property
    def calibration(self) -> Calibration:
        """What tells how sure a hit is: its own, and what is shipped where it has none."""
        settings, own = self.settings, self.own_calibration or Calibration({})
        shipped = built_in(settings.fingerprint, settings.fused_by)
        return own if shipped is None else own.beside(shipped)

    def put_segments(self, stored: SegmentManifest) -> None:
        """Note what is on disk of the vector index. Raises `LibraryError`."""
        raise LibraryError(f"{self.path}: opened read-only")
