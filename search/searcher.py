"""The searcher: a library answers queries."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.encoders import IMAGE, TEXT, unit_rows
from indexer.errors import QueryError
from indexer.lookup import PictureInfo
from indexer.notation import thumbnail_path
from indexer.reading import ReadLibrary
from indexer.row_blocks import RowsDamaged
from indexer.vectors import VectorIndex, picture_ids
from search.query import EmbeddedQuery, Query, Term, embed
from search.ranking import StoredRows, Wanted, best, nearest


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer. `score` is the fused cosine; the scores of picture and caption stand behind it.

    `caption_score` is None where the picture has no caption; `confidence` is None until a
    calibration exists. `tags` are those that hold of it with their probabilities, surest first;
    None where the library has no tag head. Pictures that were only asked for by tags have the
    least of the tags' probabilities as their score, and no `image_score`; those that were only
    asked for by `where` have no score either.
    """

    rank: int
    picture_id: int
    path: Path
    score: float | None
    confidence: float | None
    caption: str | None
    captions: tuple[str, ...]
    image_score: float | None
    caption_score: float | None
    thumbnail: Path
    tags: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits of a query, best first, and how long they took."""

    query: Query
    hits: tuple[Hit, ...]
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class _Asked:
    """How many pictures are asked for, which not, and which only."""

    k: int
    exclude: Sequence[int]
    tags: Sequence[str]
    where: str | None


class Searcher:
    """Searches one library; keeps its vector index open and notices when it changes."""

    def __init__(self, library: ReadLibrary) -> None:
        self.library = library
        self._stored: tuple[VectorIndex, StoredRows] | None = None

    def search(
        self,
        query: Query | str,
        *,
        k: int = 10,
        exclude: Iterable[int] = (),
        tags: Sequence[str] = (),
        where: str | None = None,
    ) -> Answer:
        """The k best pictures; a query picture that is in the library is left out by content.

        The query of the answer says which weight was used.
        `exclude`: ids of more pictures to leave out. `tags`: only pictures of which all of these
        hold. `where`: only pictures that fulfil this text of the language of `--where`: the k best
        of all that do. Raises `QueryError`, `InputError` for a weight that the fusion cannot serve
        or a tag that no head gives, and `LibraryError`.
        """
        start = time.perf_counter()
        query = Query.of(query) if isinstance(query, str) else query
        left_out = tuple(exclude)  # it may be asked twice
        return self._settled(lambda: self._found(query, _Asked(k, left_out, tags, where), start))

    def fulfilling(self, where: str, *, k: int = 10) -> Answer:
        """The k newest pictures that fulfil a text of the language of `--where`."""
        start = time.perf_counter()
        found = self._matches(where)[:k]
        hits = self._hits(None, found, np.full(len(found), np.nan, np.float32))
        return Answer(Query(()), hits, round(1000 * (time.perf_counter() - start), 1))

    def tagged(self, tags: Sequence[str], *, k: int = 10, where: str | None = None) -> Answer:
        """The k pictures of which all of these tags hold most surely: by the least probability."""
        start = time.perf_counter()
        having = self.library.tags.having(self.library.encoder_id, tags)
        present = self.library.catalogue.present()
        if where:
            present = np.intersect1d(present, self._matches(where))
        sure = np.array([having.get(key, -np.inf) for key in present.tolist()], np.float32)
        chosen = best(sure, k)
        hits = self._hits(None, present[chosen], sure[chosen])
        return Answer(Query(()), hits, round(1000 * (time.perf_counter() - start), 1))

    def _found(self, query: Query, wanted: _Asked, start: float) -> Answer:
        weight = self._weight(query.weight)
        encoder = self.library.encoder
        means = self._rows().centres.means
        embedded = embed(query, encoder, means, offline=self.library.offline)
        return self._answer(embedded, replace(query, weight=weight), weight, wanted, start)

    def _weight(self, asked: float | None) -> float:
        """The weight to ask with: the library's where none was named."""
        weight = self.library.weight if asked is None else asked
        self.library.fusion.check_weight(weight)
        return weight

    def _settled(self, ask: Callable[[], Answer]) -> Answer:
        """The answer; asked for anew when the library moves to another encoder or fusion meanwhile,
        or when a file of its vector index turns out to be damaged: its rows are made again.

        Rows and queries of two encoders mean nothing to each other, if they have one width at all.
        """
        while True:
            before = self.library.made_with
            try:
                answer = ask()
            except RowsDamaged as error:
                self.library.index.distrust(error.file)
            except ValueError:
                if self.library.made_with == before:
                    raise
            else:
                if self.library.made_with == before:
                    return answer

    def similar(
        self,
        picture_id: int,
        *,
        k: int = 10,
        weight: float | None = None,
        tags: Sequence[str] = (),
        where: str | None = None,
    ) -> Answer:
        """Pictures like one of the library, by its stored embedding and without decoding it."""
        start = time.perf_counter()
        wanted = _Asked(k, (), tags, where)
        return self._settled(lambda: self._alike(picture_id, wanted, weight, start))

    def _alike(self, picture_id: int, wanted: _Asked, asked: float | None, start: float) -> Answer:
        weight = self._weight(asked)
        stored = self._rows()
        v_i = self.library.embedded([picture_id]).v_i
        same = self.library.catalogue.pictures([picture_id]).get(picture_id)
        if same is None or not len(v_i):
            raise QueryError(f"picture {picture_id} is not in the library any more; search again")
        centre = stored.centres.means.get(IMAGE)
        q = unit_rows(v_i[0] if centre is None else v_i[0] - centre)
        query = Query((Term(picture=str(same.path)),), weight)
        return self._answer(EmbeddedQuery(q, (same.content_hash,)), query, weight, wanted, start)

    def _answer(
        self, embedded: EmbeddedQuery, query: Query, weight: float, wanted: _Asked, start: float
    ) -> Answer:
        stored = self._rows()
        index, allowed = stored.index, self._allowed(wanted)
        having = None if allowed is None else index.positions(allowed)
        barred = np.array([*wanted.exclude, *self._own(embedded)], np.int64)
        limits = Wanted(wanted.k, index.positions(barred) if len(barred) else barred, having)
        positions, found = nearest(stored, embedded.q, weight, limits)
        hits = self._hits(embedded.q, picture_ids(index.keys_at(positions)), found)
        return Answer(query, hits, round(1000 * (time.perf_counter() - start), 1))

    def _allowed(self, wanted: _Asked) -> NDArray[np.int64] | None:
        """Ids of the pictures that may be found; None for all."""
        if not wanted.tags and not wanted.where:
            return None
        allowed = [self._matches(wanted.where)] if wanted.where else []
        if wanted.tags:
            having = self.library.tags.having(self.library.encoder_id, wanted.tags)
            allowed.append(np.array(list(having), np.int64))
        return functools.reduce(np.intersect1d, allowed)

    def _matches(self, where: str) -> NDArray[np.int64]:
        """Imported with the first filter: it brings SQLAlchemy with it."""
        found: NDArray[np.int64] = import_module("search.where").matches(self.library, where)
        return found

    def _rows(self) -> StoredRows:
        """The library's rows, opened again when the library has changed."""
        index = self.library.vectors()
        if self._stored is None or self._stored[0] is not index:
            self._stored = (index, StoredRows.in_index(index, self.library.encoder.means))
        return self._stored[1]

    def _hits(
        self, q: NDArray[np.float32] | None, ids: NDArray[np.int64], found: NDArray[np.float32]
    ) -> tuple[Hit, ...]:
        """The hits with what is shown of them; a picture that went meanwhile is left out."""
        pictures = self.library.catalogue.pictures(ids.tolist())
        parts = {} if q is None else self._parts(q, ids.tolist())
        tags = self._tags(ids.tolist())
        shown = [(i, s) for i, s in zip(ids.tolist(), found.tolist(), strict=True) if i in pictures]
        return tuple(
            _hit(
                rank,
                score,
                pictures[key],
                parts.get(key, (None if q is None else 0.0, None)),
                self.library.thumbnails,
                None if tags is None else tags.get(key, {}),
            )
            for rank, (key, score) in enumerate(shown, start=1)
        )

    def _parts(
        self, q: NDArray[np.float32], ids: list[int]
    ) -> dict[int, tuple[float, float | None]]:
        """Scores of picture and caption alone, from the stored embeddings of the hits."""
        means = self._rows().centres.means
        zero = np.zeros_like(q)
        found = self.library.embedded(ids)
        images = (found.v_i - means.get(IMAGE, zero)) @ q
        texts = (found.v_t - means.get(TEXT, zero)) @ q
        return {
            int(key): (float(i), float(t) if has else None)
            for key, i, t, has in zip(found.ids, images, texts, found.has_caption, strict=True)
        }

    def _tags(self, ids: list[int]) -> dict[int, dict[str, float]] | None:
        """The tags of pictures; None where the library has no tag head."""
        tags = self.library.tags
        return tags.of(ids) if tags.heads(self.library.encoder_id) else None

    def _own(self, query: EmbeddedQuery) -> list[int]:
        return [
            key
            for content in query.content_hashes
            for key in self.library.catalogue.ids_of_content(content)
        ]


def _hit(
    rank: int,
    score: float,
    picture: PictureInfo,
    parts: tuple[float | None, float | None],
    folder: Path,
    tags: Mapping[str, float] | None,
) -> Hit:
    return Hit(
        rank=rank,
        picture_id=picture.id,
        path=picture.path,
        score=None if np.isnan(score) else score,
        confidence=None,
        caption=picture.captions[0] if picture.captions else None,
        captions=picture.captions,
        image_score=parts[0],
        caption_score=parts[1],
        thumbnail=thumbnail_path(folder, picture.content_hash),
        tags=tags,
    )
