"""A collection in Milvus as something to search: a catalogue in memory of what a question needs.

A question gathers candidates: the pictures nearest to it by picture and by caption, and those that
have its names. Their rows make a vector index in memory and their records a catalogue, whose sums
and samples are those of the whole collection. So the code that ranks a local library ranks them.
"""

from __future__ import annotations

from collections.abc import Collection as Some
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

from indexer.catalogue.lookup.albums import AlbumLookup
from indexer.catalogue.lookup.captions import CaptionLookup
from indexer.catalogue.lookup.passed_over import PassedOverLookup
from indexer.catalogue.lookup.picked import PickedLookup
from indexer.catalogue.lookup.readings import ReadingLookup
from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.lookup.tags import TagLookup
from indexer.embedding import Floats, PictureFeatures, Rows
from indexer.errors import InputError, LibraryDamaged, LibraryError
from indexer.library.address import address_of
from indexer.library.state import LibraryState
from indexer.milvus.about import About, about_of
from indexer.milvus.connection import MOST, Connection
from indexer.milvus.memory import MemoryCatalogue, Tokens
from indexer.milvus.picture import features_of, unpacked
from indexer.vectors.blocks import RowBlock
from indexer.vectors.index import KeyedBlock, VectorIndex, Whole
from search.collection.lookups import CollectionCatalogue, CollectionFacts, CollectionWords
from search.where.stored import stored_condition

LEAST = 2000  # candidates of each field: enough that the best of both fields are among them
_GROWTH = 4  # times as many candidates as hits that are asked for
_NEGATIVES = 200  # candidates of each field for the likest picture of a negative term
_TOGETHER = 1000  # rows that one message brings
_EARLIEST, _LATEST = -(2**40), 2**40  # seconds, before and after any picture
_FEATURES = ("v_i", "v_t", "captioned")


@dataclass
class Shared:
    """What all questions to a collection share: its facts, its samples, counts of words."""

    about: About
    template: MemoryCatalogue
    samples: tuple[PictureFeatures, PictureFeatures] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    tokens: Tokens = field(default_factory=Tokens)


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
    ) -> None:
        self.memory = shared.template.copy()
        self.tokens = shared.tokens
        reading, path = self.memory.reading, Path(connection.address.text)
        super().__init__(path, reading)
        self.offline, self.cache = offline, cache
        self.connection, self.shared, self.condition = connection, shared, condition
        self.catalogue = CollectionCatalogue(reading, path, self)
        self.facts = CollectionFacts(reading, path, self)
        self.words = CollectionWords(reading, path, self)
        self.tags = TagLookup(reading, path)
        self.captions = CaptionLookup(reading, path)
        self.readings = ReadingLookup(reading, path)
        self.passed_over = PassedOverLookup(reading, path)
        self.albums = AlbumLookup(reading, path)
        self.picked = PickedLookup(reading, path)
        self._features: dict[int, tuple[Floats, Floats, bool]] = {}
        self._recorded: set[int] = set()
        self._done: set[object] = set()
        self._sought: tuple[Rows, float, int] | None = None
        self._index: VectorIndex | None = None
        self._filtered: set[int] = set()
        self._grown = 0

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
        self.memory.close()
        self.connection.close()

    @property
    def thumbnails(self) -> Path:
        """The folder of the thumbnails where the pictures were indexed."""
        folders = [source.thumbnails for source in self.shared.about.sources.values()]
        return Path(next(filter(None, folders), "thumbnails"))

    @property
    def remedy(self) -> str:
        """What moves a collection to another version of its model."""
        return "publish its library again once it is moved ('picfuse publish')"

    @property
    def rows_key(self) -> str:
        """A text that changes whenever more rows were gathered."""
        return f"{self.vectors_key} {self._grown}"

    @contextmanager
    def asking(self, where: str | None, date_order: str) -> Iterator[Collection]:
        """A collection that gathers what one question needs."""
        bounds = stored_condition(where, date_order=date_order) if where else None
        asked = Collection(
            self.connection,
            self.shared,
            offline=self.offline,
            cache=self.cache,
            condition="" if bounds is None else bounds.upper or "",
        )
        asked.filtered = bounds is not None
        asked.use_encoder(self.encoder)
        try:
            yield asked
        finally:
            asked.memory.close()

    filtered = False

    def distrust(self, file: str) -> None:
        """Do nothing: there are no files."""

    def gather(self, rows: Rows | None, weight: float, count: int) -> None:
        """Have the `count` best pictures for query rows (m, dim) at hand; the newest for None.

        The first row is the query, others are negative terms. Raises `InputError` for more pictures
        than Milvus gives.
        """
        key = (None if rows is None else rows.tobytes(), weight, count)
        if key in self._done:
            return
        self._done.add(key)
        if rows is None:
            self.have(self._newest(count), recorded=True, worded=False)
            return
        if count > MOST // 2:
            raise self._too_many()
        number = min(MOST, max(LEAST, _GROWTH * count))
        self._sought = (rows[:1], weight, number)
        found = self._near(rows[:1], weight, self.condition, number)
        self._filtered.update(found)
        self.have(found, recorded=self.filtered, worded=False)
        self.have(self._near(rows[1:], weight, "", _NEGATIVES))

    def gather_by(self, condition: str, *, ordered: bool = True) -> None:
        """Have pictures that fulfil a condition of Milvus at hand, with their records.

        If they are many, the best for the question, where it has a row.
        """
        number = self.number_of(condition)
        if condition in self._done or not number:
            return
        self._done.add(condition)
        if number <= LEAST or self._sought is None or not ordered:
            found: Iterable[int] = self.found(condition, LEAST)
        else:
            rows, weight, most = self._sought
            found = self._near(rows, weight, self.both(condition), most)
        self.have(found, recorded=True)

    def gather_words(self, text: str, count: int) -> list[int]:
        """Have the `count` best pictures for a text by words at hand (all if it is negative); ids.

        Those that fulfil the condition of the question, as Milvus ranks them.
        """
        number = min(MOST, max(LEAST, _GROWTH * count))
        hits = self.connection.nearest(
            "weights", [text], condition=self.condition, limit=number, metric="BM25"
        )
        ids = [key for key, _ in hits[0]]
        self.have(ids, recorded=True)
        return ids

    @property
    def pictures(self) -> int:
        """The number of pictures of the collection."""
        return self.shared.about.pictures

    @property
    def shows_text(self) -> bool:
        """Whether text was read in any picture."""
        return any(source.shows_text for source in self.shared.about.sources.values())

    @property
    def average_words(self) -> float:
        """The average number of tokens of a picture."""
        return max(1.0, self.shared.about.tokens / max(1, self.pictures))

    def both(self, condition: str) -> str:
        """A condition, and that of the question."""
        return f"({self.condition}) and ({condition})" if self.condition else condition

    def number_of(self, condition: str) -> int:
        """The number of pictures that fulfil a condition; counted once."""
        counts = self.shared.counts
        if condition not in counts:
            if len(counts) > 10_000:
                counts.clear()
            counts[condition] = self.connection.count(condition)
        return counts[condition]

    def found(self, condition: str, limit: int = MOST) -> list[int]:
        """Ids of pictures that fulfil a condition of Milvus."""
        return [int(row["id"]) for row in self.connection.query(condition, ["id"], limit=limit)]

    def _near(self, rows: Rows, weight: float, condition: str, number: int) -> Some[int]:
        """Ids of the pictures nearest to each row by picture and by caption."""
        sought = [row for row in rows if row.any()]
        if not sought:
            return ()
        if self.number_of(condition) <= number:
            return self.found(condition or "id >= 0")
        captioned = f"({condition}) and captioned == true" if condition else "captioned == true"
        fields = {"v_i": condition} if weight > 0 else {}
        fields |= {"v_t": captioned} if weight < 1 else {}
        found: set[int] = set()
        for name, allowed in fields.items():
            hits = self.connection.nearest(name, sought, condition=allowed, limit=number)
            found.update(key for of_row in hits for key, _ in of_row)
        return found

    def _newest(self, count: int) -> list[int]:
        """Ids of at least so many of the newest pictures."""
        number = self.number_of(self.condition)
        if number <= MOST:
            return self.found(self.condition or "id >= 0")
        if count > MOST // 2:
            raise self._too_many()
        low, high = _EARLIEST, _LATEST  # at least `count` are newer than `low`
        while high - low > 1:
            middle = (low + high) // 2
            newer = self.number_of(self.both(f"newest >= {middle}"))
            low, high = (middle, high) if newer > count else (low, middle)
            if count < newer <= MOST:
                break
        return self.found(self.both(f"newest >= {low}"))

    def _too_many(self) -> InputError:
        return InputError(
            f"{self.connection.address.text}: Milvus gives the first {MOST // 2:,} pictures of an "
            "answer; narrow the search with --where"
        )

    def have(self, ids: Iterable[int], *, recorded: bool = False, worded: bool = True) -> None:
        """Have pictures at hand by id.

        If asked for, with their records for the catalogue, and these with their words.
        """
        wanted = set(ids)
        new = sorted(wanted - self._features.keys())
        for part in chunks(new, _TOGETHER):
            for row in self.connection.query(f"id in {list(part)}", ["id", *_FEATURES]):
                v_i, v_t = features_of(row["v_i"]), features_of(row["v_t"])
                self._features[int(row["id"])] = v_i, v_t, bool(row["captioned"])
        if new:
            self._grown += 1
        if recorded:
            there = wanted & self._features.keys()
            self._record(sorted(there - self._recorded))
            if worded:
                self.memory.index_words(there)

    def _record(self, ids: Sequence[int]) -> None:
        for part in chunks(ids, _TOGETHER):
            rows = self.connection.query(f"id in {list(part)}", ["id", "record"])
            self.memory.add(
                [
                    unpacked(int(row["id"]), row["record"], *features[:2], has_caption=features[2])
                    for row in rows
                    for features in [self._features[int(row["id"])]]
                ]
            )
            self._recorded.update(int(row["id"]) for row in rows)

    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
        """Independent features of pictures; those that are not there are left out."""
        self.have(picture_ids)
        return self._of(sorted({*picture_ids} & self._features.keys()))

    def _of(self, ids: Sequence[int]) -> PictureFeatures:
        empty = np.zeros((0, self.settings.dim), np.float32)
        rows = [self._features[key] for key in ids]
        return PictureFeatures(
            np.array(ids, np.int64),
            np.stack([v_i for v_i, _, _ in rows]) if rows else empty,
            np.stack([v_t for _, v_t, _ in rows]) if rows else empty,
            np.array([has for _, _, has in rows], np.bool_),
        )

    def vectors(self) -> VectorIndex:
        """The rows that were gathered, with the facts of all rows."""
        if self._index is None or len(self._index) != len(self._features):
            features = self._of(sorted(self._features))
            empty = VectorIndex(self.fusion, self.width, whole=self._whole())
            rows = self.fusion.pictures(features.v_i, features.v_t, features.has_caption)
            self._index = empty.add(features.ids, rows, features.has_caption)
        return self._index

    def _whole(self) -> Whole:
        about = self.shared.about
        level, spread = self._samples()
        return Whole(
            about.sums,
            about.pictures,
            self.number_of(self.condition),
            len(self._filtered),
            self._rows_of(spread),
            KeyedBlock(
                RowBlock.of(self._rows_of(level), level.has_caption, self.fusion),
                np.where(level.has_caption, level.ids, ~level.ids),
            ),
        )

    def _rows_of(
        self, features: PictureFeatures
    ) -> np.ndarray[tuple[int, int], np.dtype[np.float16]]:
        rows = self.fusion.pictures(features.v_i, features.v_t, features.has_caption)
        return rows.astype(np.float16)

    def _samples(self) -> tuple[PictureFeatures, PictureFeatures]:
        """The features of the samples for level and spread, fetched once."""
        shared = self.shared
        if shared.samples is None:
            fetched = Collection(self.connection, shared)
            level, spread = shared.about.level.tolist(), shared.about.spread.tolist()
            shared.samples = fetched.embedded(level), fetched.embedded(spread)
            fetched.memory.close()
        return shared.samples


def _check(connection: Connection, about: About) -> None:
    """Raise `LibraryError` for a collection that is not complete."""
    text = connection.address.text
    if not about.sources or not all(source.complete for source in about.sources.values()):
        raise LibraryError(f"{text}: only half loaded; run the same command again to load the rest")
    if not about.pictures:
        raise LibraryDamaged(f"{text}: holds no pictures; publish a library that has some")
