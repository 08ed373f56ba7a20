"""Candidates: the pictures of a collection that a question needs, fetched into memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from indexer.catalogue.lookup.tables import chunks
from indexer.embedding import Floats, PictureFeatures, Rows
from indexer.errors import InputError
from indexer.milvus.about import About
from indexer.milvus.connection import MOST, Connection
from indexer.milvus.memory import MemoryCatalogue, Tokens
from indexer.milvus.picture import features_of, unpacked

LEAST = 2000  # candidates of each field: enough that the best of both fields are among them
_GROWTH = 4  # times as many candidates as hits that are asked for
_NEGATIVES = 200  # candidates of each field for the likest picture of a negative term
_TOGETHER = 1000  # rows that one message brings
_MOST_COUNTS = 10_000  # counts that are kept
_EARLIEST, _LATEST = -(2**40), 2**40  # seconds, before and after any picture
_FEATURES = ("v_i", "v_t", "captioned")
_ALL = "id >= 0"


@dataclass
class Shared:
    """The part that all questions to a collection share: facts, samples, counts of words."""

    about: About
    template: MemoryCatalogue
    samples: tuple[PictureFeatures, PictureFeatures] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    tokens: Tokens = field(default_factory=Tokens)


class Candidates:
    """Fetches pictures of a collection: their features, and their records into `memory`.

    `condition` is the condition of Milvus that a question restricts its answer by, empty for none;
    `filtered` are ids of the pictures that were found under it. `grown` counts how often pictures
    came in.
    """

    def __init__(
        self, connection: Connection, shared: Shared, condition: str, *, restricted: bool
    ) -> None:
        self.connection, self.shared, self.condition = connection, shared, condition
        self.memory = shared.template.copy()
        self.filtered: set[int] = set()
        self.grown = 0
        self._restricted = restricted
        self._features: dict[int, tuple[Floats, Floats, bool]] = {}
        self._recorded: set[int] = set()
        self._done: set[object] = set()
        self._sought: tuple[Rows, float, int] | None = None

    def __len__(self) -> int:
        return len(self._features)

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
        self._check(count)
        number = min(MOST, max(LEAST, _GROWTH * count))
        self._sought = (rows[:1], weight, number)
        found = self._near(rows[:1], weight, self.condition, number)
        self.filtered.update(found)
        self.have(found, recorded=self._restricted, worded=False)
        self.have(self._near(rows[1:], weight, "", _NEGATIVES))

    def gather_by(self, condition: str, *, ordered: bool = True) -> None:
        """Have pictures that fulfil a condition of Milvus at hand, with their records.

        If they are many, the best for the question, where it has a row and `ordered` is set.
        """
        number = self.number_of(condition)
        if (condition, ordered) in self._done or not number:
            return
        self._done.add((condition, ordered))
        if number <= LEAST or self._sought is None or not ordered:
            found: Iterable[int] = self.found(condition, LEAST)
        else:
            rows, weight, most = self._sought
            found = self._near(rows, weight, self._both(condition), most)
        self.have(found, recorded=True)

    def gather_words(self, text: str, count: int) -> list[int]:
        """Have the `count` best pictures for tokens at hand (all if it is negative); their ids.

        Those that fulfil the condition of the question, as Milvus ranks them by BM25.
        """
        number = min(MOST, max(LEAST, _GROWTH * count))
        hits = self.connection.nearest(
            "weights", [text], condition=self.condition, limit=number, metric="BM25"
        )
        ids = [key for key, _ in hits[0]]
        self.have(ids, recorded=True)
        return ids

    def number_of(self, condition: str) -> int:
        """The number of pictures that fulfil a condition; counted once."""
        counts = self.shared.counts
        if condition not in counts:
            if len(counts) > _MOST_COUNTS:
                counts.clear()
            counts[condition] = self.connection.count(condition)
        return counts[condition]

    def found(self, condition: str, limit: int = MOST) -> list[int]:
        """Ids of pictures that fulfil a condition of Milvus."""
        return [int(row["id"]) for row in self.connection.query(condition, ["id"], limit=limit)]

    def have(self, ids: Iterable[int], *, recorded: bool = False, worded: bool = True) -> None:
        """Have pictures at hand by id.

        If asked for, with their records for the catalogue, and these with their words.
        """
        wanted = set(ids)
        new = sorted(wanted - self._features.keys())
        before = len(self)
        for part in chunks(new, _TOGETHER):
            for row in self.connection.query(f"id in {list(part)}", ["id", *_FEATURES]):
                v_i, v_t = features_of(row["v_i"]), features_of(row["v_t"])
                self._features[int(row["id"])] = v_i, v_t, bool(row["captioned"])
        self.grown += len(self) > before
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
                    unpacked(int(row["id"]), row["record"], v_i, v_t, has_caption=has)
                    for row in rows
                    for v_i, v_t, has in [self._features[int(row["id"])]]
                ]
            )
            self._recorded.update(int(row["id"]) for row in rows)

    def features(self, ids: Iterable[int] | None = None) -> PictureFeatures:
        """The features of pictures, by ascending id; of all that are at hand for None.

        Those that are not at hand are left out.
        """
        known = self._features
        keys = sorted(known if ids is None else {*ids} & known.keys())
        empty = np.zeros((0, self.shared.about.library.dim), np.float32)
        rows = [known[key] for key in keys]
        return PictureFeatures(
            np.array(keys, np.int64),
            np.stack([v_i for v_i, _, _ in rows]) if rows else empty,
            np.stack([v_t for _, v_t, _ in rows]) if rows else empty,
            np.array([has for _, _, has in rows], np.bool_),
        )

    def _near(self, rows: Rows, weight: float, condition: str, number: int) -> Collection[int]:
        """Ids of the pictures nearest to each row by picture and by caption."""
        sought = [row for row in rows if row.any()]
        if not sought:
            return ()
        if self.number_of(condition) <= number:
            return self.found(condition or _ALL)
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
        if self.number_of(self.condition) <= MOST:
            return self.found(self.condition or _ALL)
        self._check(count)
        low, high = _EARLIEST, _LATEST  # more than `count` are newer than `low`
        while high - low > 1:
            middle = (low + high) // 2
            newer = self.number_of(self._both(f"newest >= {middle}"))
            low, high = (middle, high) if newer > count else (low, middle)
            if count < newer <= MOST:
                break
        return self.found(self._both(f"newest >= {low}"))

    def _both(self, condition: str) -> str:
        return f"({self.condition}) and ({condition})" if self.condition else condition

    def _check(self, count: int) -> None:
        """Raise `InputError` for more pictures than Milvus gives."""
        if count > MOST // 2:
            raise InputError(
                f"{self.connection.address.text}: Milvus gives the first {MOST // 2:,} pictures of "
                "an answer; narrow the search with --where"
            )
