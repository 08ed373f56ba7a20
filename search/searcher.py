"""The searcher: a library answers queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer import Library
from indexer.catalogue import PictureInfo
from indexer.encoders import IMAGE, TEXT, unit_rows
from indexer.errors import QueryError
from indexer.thumbnails import thumbnail_path
from search.query import EmbeddedQuery, Query, Term, embed
from search.ranking import StoredRows, best, scores


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `score` is the fused cosine; the scores of picture and caption stand behind it.

    `caption_score` is None where the picture has no caption; `confidence` is None until a
    calibration exists.
    """

    rank: int
    picture_id: int
    path: Path
    score: float
    confidence: float | None
    caption: str | None
    captions: tuple[str, ...]
    image_score: float
    caption_score: float | None
    thumbnail: Path


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a query, best first, and how long they took."""

    query: Query
    hits: tuple[Hit, ...]
    elapsed_ms: float


class Searcher:
    """Searches one library; keeps its rows in memory and notices when they change."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self._stored: tuple[int, StoredRows, NDArray[np.int64]] | None = None

    def search(self, query: Query | str, *, k: int = 10, exclude: Iterable[int] = ()) -> Answer:
        """The k best pictures; a query picture that is in the library is left out by content.

        The query of the answer says which weight was used.
        `exclude`: ids of more pictures to leave out. Raises `QueryError`, `InputError` for a
        weight that the fusion cannot serve, and `LibraryError`.
        """
        start = time.perf_counter()
        query = Query.of(query) if isinstance(query, str) else query
        left_out = tuple(exclude)  # it may be asked twice
        return self._settled(lambda: self._found(query, k, left_out, start))

    def _found(self, query: Query, k: int, exclude: Iterable[int], start: float) -> Answer:
        weight = self._weight(query.weight)
        encoder = self.library.encoder
        means = self._rows()[0].centres.means
        embedded = embed(query, encoder, means, offline=self.library.offline)
        return self._answer(embedded, replace(query, weight=weight), weight, k, exclude, start)

    def _weight(self, asked: float | None) -> float:
        """The weight to ask with: the library's where none was named."""
        weight = self.library.weight if asked is None else asked
        self.library.fusion.check_weight(weight)
        return weight

    def _settled(self, ask: Callable[[], Answer]) -> Answer:
        """The answer; asked for anew when the library moves to another encoder or fusion meanwhile.

        Rows and queries of two encoders mean nothing to each other, if they have one width at all.
        """
        while True:
            before = self.library.made_with
            try:
                answer = ask()
            except ValueError:
                if self.library.made_with == before:
                    raise
            else:
                if self.library.made_with == before:
                    return answer

    def similar(self, picture_id: int, *, k: int = 10, weight: float | None = None) -> Answer:
        """Pictures like one of the library, by its stored embedding and without decoding it."""
        start = time.perf_counter()
        return self._settled(lambda: self._alike(picture_id, k, weight, start))

    def _alike(self, picture_id: int, k: int, asked: float | None, start: float) -> Answer:
        weight = self._weight(asked)
        stored, _ = self._rows()
        v_i = self.library.embedded([picture_id]).v_i
        same = self.library.catalogue.pictures([picture_id]).get(picture_id)
        if same is None or not len(v_i):
            raise QueryError(f"picture {picture_id} is not in the library any more; search again")
        centre = stored.centres.means.get(IMAGE)
        q = unit_rows(v_i[0] if centre is None else v_i[0] - centre)
        query = Query((Term(picture=str(same.path)),), weight)
        return self._answer(EmbeddedQuery(q, (same.content_hash,)), query, weight, k, (), start)

    def _answer(
        self,
        embedded: EmbeddedQuery,
        query: Query,
        weight: float,
        k: int,
        exclude: Iterable[int],
        start: float,
    ) -> Answer:
        stored, ids = self._rows()
        found = scores(stored, embedded.q, weight)
        found[np.isin(ids, [*exclude, *self._own(embedded)])] = -np.inf
        chosen = best(found, k)
        hits = self._hits(embedded.q, ids[chosen], found[chosen])
        return Answer(query, hits, round(1000 * (time.perf_counter() - start), 1))

    def _rows(self) -> tuple[StoredRows, NDArray[np.int64]]:
        """The library's rows and their pictures, read again when the library has changed."""
        generation = self.library.generation
        if self._stored is None or self._stored[0] != generation:
            index = self.library.vectors()
            fusion, means = self.library.fusion, self.library.encoder.means
            stored = StoredRows.of(index.rows, index.has_caption, fusion, means)
            self._stored = (generation, stored, index.picture_ids)
        return self._stored[1:]

    def _hits(
        self, q: NDArray[np.float32], ids: NDArray[np.int64], found: NDArray[np.float32]
    ) -> tuple[Hit, ...]:
        """The hits with what is shown of them; a picture that went meanwhile is left out."""
        pictures = self.library.catalogue.pictures(ids.tolist())
        parts = self._parts(q, ids.tolist())
        shown = [(i, s) for i, s in zip(ids.tolist(), found.tolist(), strict=True) if i in pictures]
        return tuple(
            _hit(rank, score, pictures[key], parts.get(key, (0.0, None)), self.library.thumbnails)
            for rank, (key, score) in enumerate(shown, start=1)
        )

    def _parts(
        self, q: NDArray[np.float32], ids: list[int]
    ) -> dict[int, tuple[float, float | None]]:
        """Scores of picture and caption alone, from the stored embeddings of the hits."""
        means = self._rows()[0].centres.means
        zero = np.zeros_like(q)
        found = self.library.embedded(ids)
        images = (found.v_i - means.get(IMAGE, zero)) @ q
        texts = (found.v_t - means.get(TEXT, zero)) @ q
        return {
            int(key): (float(i), float(t) if has else None)
            for key, i, t, has in zip(found.ids, images, texts, found.has_caption, strict=True)
        }

    def _own(self, query: EmbeddedQuery) -> list[int]:
        return [
            key
            for content in query.content_hashes
            for key in self.library.catalogue.ids_of_content(content)
        ]


def _hit(
    rank: int, score: float, picture: PictureInfo, parts: tuple[float, float | None], folder: Path
) -> Hit:
    return Hit(
        rank=rank,
        picture_id=picture.id,
        path=picture.path,
        score=score,
        confidence=None,
        caption=picture.captions[0] if picture.captions else None,
        captions=picture.captions,
        image_score=parts[0],
        caption_score=parts[1],
        thumbnail=thumbnail_path(folder, picture.content_hash),
    )
