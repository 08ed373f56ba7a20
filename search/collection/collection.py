"""A collection in Milvus as something to search: a catalogue in memory of what a question needs.

A question gathers candidates: the pictures nearest to it by picture and by caption, and those that
have its names. Their rows make a vector index in memory and their records a catalogue, whose sums
and samples are those of the whole collection. So the code that ranks a local library ranks them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.albums import AlbumLookup
from indexer.catalogue.lookup.captions import CaptionLookup
from indexer.catalogue.lookup.passed_over import PassedOverLookup
from indexer.catalogue.lookup.picked import PickedLookup
from indexer.catalogue.lookup.readings import ReadingLookup
from indexer.catalogue.lookup.tags import TagLookup
from indexer.embedding import PictureFeatures, Rows
from indexer.errors import LibraryError
from indexer.library.address import address_of
from indexer.library.state import LibraryState
from indexer.milvus.about import About, about_of
from indexer.milvus.connection import Connection
from indexer.milvus.memory import MemoryCatalogue
from indexer.vectors.blocks import RowBlock
from indexer.vectors.index import KeyedBlock, VectorIndex, Whole
from search.collection.candidates import Candidates, Shared
from search.collection.lookups import CollectionCatalogue, CollectionFacts, CollectionWords
from search.where.stored import stored_condition


class Collection(LibraryState):
    """A collection that is open for reading; a context manager, and `Searchable`."""

    read_only = True

    def __init__(
        self,
        connection: Connection,
        shared: Shared,
        *,
        offline: bool = False,
        cache: Path | None = None,
        condition: str = "",
        restricted: bool = False,
    ) -> None:
        self.candidates = Candidates(connection, shared, condition, restricted=restricted)
        reading, path = self.candidates.memory.reading, Path(connection.address.text)
        super().__init__(path, reading)
        self.offline, self.cache = offline, cache
        self.connection, self.shared = connection, shared
        self.catalogue = CollectionCatalogue(reading, path, self.candidates)
        self.facts = CollectionFacts(reading, path, self.candidates)
        self.words = CollectionWords(reading, path, self.candidates)
        self.tags = TagLookup(reading, path)
        self.captions = CaptionLookup(reading, path)
        self.readings = ReadingLookup(reading, path)
        self.passed_over = PassedOverLookup(reading, path)
        self.albums = AlbumLookup(reading, path)
        self.picked = PickedLookup(reading, path)
        self._index: VectorIndex | None = None

    @classmethod
    def open(cls, address: str | Path, *, offline: bool = False, cache: Path | None = None) -> Self:
        """Open the collection of an address. Raises `InputError` and `LibraryError`s."""
        connection = Connection(address_of(address))
        try:
            about = about_of(connection)
            _check(connection, about)
            shared = Shared(about, MemoryCatalogue.of(about.settings))
            return cls(connection, shared, offline=offline, cache=cache)
        except BaseException:
            connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, and forget what was gathered."""
        self.candidates.memory.close()
        self.connection.close()

    @property
    def thumbnails(self) -> Path:
        """The folder of the thumbnails where the pictures were indexed."""
        folders = [source.thumbnails for source in self.shared.about.sources.values()]
        return Path(next(filter(None, folders), "thumbnails"))

    @property
    def remedy(self) -> str:
        """A remedy that moves a collection to another version of its model."""
        return "publish its library again once it is moved ('picfuse publish')"

    @property
    def rows_key(self) -> str:
        """A text that changes whenever more rows were gathered."""
        return f"{self.vectors_key} {self.candidates.grown}"

    @contextmanager
    def asking(self, where: str | None, date_order: str) -> Iterator[Collection]:
        """A collection that gathers what one question needs. Raises `PlacedError`."""
        bounds = stored_condition(where, date_order=date_order) if where else None
        asked = Collection(
            self.connection,
            self.shared,
            offline=self.offline,
            cache=self.cache,
            condition="" if bounds is None else bounds.upper or "",
            restricted=bounds is not None,
        )
        asked.use_encoder(self.encoder)
        try:
            yield asked
        finally:
            asked.candidates.memory.close()

    def distrust(self, file: str) -> None:
        """Do nothing: there are no files."""

    def gather(self, rows: Rows | None, weight: float, count: int) -> None:
        """Have the `count` best pictures for query rows (m, dim) at hand; the newest for None.

        The first row is the query, others are negative terms. Raises `InputError` for more pictures
        than Milvus gives.
        """
        self.candidates.gather(rows, weight, count)

    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
        """Independent features of pictures; those that are not there are left out."""
        self.candidates.have(picture_ids)
        return self.candidates.features(picture_ids)

    def vectors(self) -> VectorIndex:
        """The rows that were gathered, with the facts of all rows."""
        if self._index is None or len(self._index) != len(self.candidates):
            features = self.candidates.features()
            empty = VectorIndex(self.fusion, self.width, whole=self._whole())
            rows = self.fusion.pictures(features.v_i, features.v_t, features.has_caption)
            self._index = empty.add(features.ids, rows, features.has_caption)
        return self._index

    def _whole(self) -> Whole:
        about, candidates = self.shared.about, self.candidates
        level, spread = self._samples()
        rows = RowBlock.of(self._rows_of(level), level.has_caption, self.fusion)
        return Whole(
            about.sums,
            about.pictures,
            candidates.number_of(candidates.condition),
            len(candidates.filtered),
            self._rows_of(spread),
            KeyedBlock(rows, np.where(level.has_caption, level.ids, ~level.ids)),
        )

    def _rows_of(self, features: PictureFeatures) -> NDArray[np.float16]:
        rows = self.fusion.pictures(features.v_i, features.v_t, features.has_caption)
        return rows.astype(np.float16)

    def _samples(self) -> tuple[PictureFeatures, PictureFeatures]:
        """The features of the samples for level and spread, fetched once."""
        shared = self.shared
        if shared.samples is None:
            fetched = Candidates(self.connection, shared, "", restricted=False)
            level, spread = shared.about.level.tolist(), shared.about.spread.tolist()
            fetched.have({*level, *spread})
            shared.samples = fetched.features(level), fetched.features(spread)
            fetched.memory.close()
        return shared.samples


def _check(connection: Connection, about: About) -> None:
    """Raise `LibraryError` for a collection that is not complete, or empty."""
    text = connection.address.text
    if not about.sources or not all(source.complete for source in about.sources.values()):
        raise LibraryError(
            f"{text}: only half loaded; run the command that loads it again, which goes on"
        )
    if not about.pictures:
        raise LibraryError(f"{text}: holds no pictures; publish a library that has some")
