"""The searcher: a library answers queries."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, centred_query
from indexer.encoders import RestingEncoder
from indexer.errors import QueryError
from indexer.library.library import Library
from indexer.vectors.blocks import RowsDamaged
from indexer.vectors.index import VectorIndex
from indexer.vectors.keys import picture_ids
from indexer.vectors.nearest import Selection, best
from indexer.vectors.scoring import CentredIndex
from search.answer.confidence import askable, guessed, kept_by_words, weighed
from search.answer.explaining import explained
from search.answer.hits import Answer, Hit, Parts, read_hits, with_words
from search.answer.paging import Page, page_of, placed
from search.query.embedding import EmbeddedQuery, embed
from search.query.examples import examples_of, marked_rows
from search.query.feedback import refined
from search.query.options import AUTO, WORDS, Options, complete
from search.query.terms import Query, Term, as_query
from search.ranking.excluding import against, lowered_first, nearest_without
from search.ranking.order import RankedPictures, Ranking, best_first, preceded, reaching
from search.words.names import having_names, named_first, names_in
from search.words.query_words import QueryWords, by_words
from search.words.unknown import asks_nothing, unknown_words


class Searcher:
    """Searches one library; keeps its vector index open and notices when it changes.

    One that is asked `once` lets go of the encoder before it reads the rows, so that a process
    never holds both in memory; the next query would open it anew.
    """

    def __init__(self, library: Library, *, once: bool = False) -> None:
        self.library = library
        self._once = once
        self._stored: tuple[VectorIndex, CentredIndex] | None = None

    def search(self, query: Query | str, **options: Unpack[Options]) -> Answer:
        """The k best pictures; those of the library that are asked with are left out, by content.

        So are marked ones; a query without terms is answered by those marked as right. The query of
        the answer says which weight was used. Raises `QueryError`, `InputError` for a weight that
        the fusion cannot serve or a tag that no head gives, and `LibraryError`.
        """
        start = time.perf_counter()
        query = as_query(query)
        wanted = complete(options)
        if wanted["mode"] == WORDS:
            return self._worded(query, wanted, start)
        return self._settled(lambda: self._found(query, wanted, start))

    def similar(
        self, picture_id: int, *, weight: float | None = None, **options: Unpack[Options]
    ) -> Answer:
        """Pictures like one of the library, by its stored embedding and without decoding it.

        Raises `QueryError` for what is no number of a picture (`hit.picture_id`).
        """
        if not isinstance(picture_id, int | np.integer):
            raise QueryError(
                f"{picture_id!r}: not a picture id; for a file, use Query.of(picture=…)"
            )
        start = time.perf_counter()
        wanted = complete(options)
        return self._settled(lambda: self._alike(picture_id, wanted, weight, start))

    def listed(self, **options: Unpack[Options]) -> Answer:
        """The k pictures that `tags` and `where` allow, without a query.

        Those of which all the tags hold most surely, by the least probability; where no tag is
        named, the newest.
        """
        start = time.perf_counter()
        wanted = complete(options)
        found, scores = self._surest(wanted) if wanted["tags"] else self._newest(wanted)
        page = page_of(
            self.library, RankedPictures.of(found, scores), {**wanted, "diverse": 0.0}, {}
        )
        hits = read_hits(self.library, page.ids, page.scores)
        return _timed(Query(()), placed(self.library, hits, page), start, page)

    def allowed(self, **options: Unpack[Options]) -> NDArray[np.int64]:
        """Ids (n,) of all pictures that `tags` and `where` allow, in the order of `listed`."""
        wanted = complete(options)
        return (self._surest(wanted) if wanted["tags"] else self._newest(wanted))[0]

    def _surest(self, wanted: Options) -> Ranking:
        having = self.library.tags.having(self.library.encoder_id, wanted["tags"])
        present = self.library.catalogue.present()
        if wanted["where"]:
            present = np.intersect1d(present, self._matches(wanted["where"]))
        sure = np.array([having.get(key, -np.inf) for key in present.tolist()], np.float32)
        chosen = best(sure, len(sure))
        return present[chosen], sure[chosen]

    def _newest(self, wanted: Options) -> Ranking:
        found = self._matches(wanted["where"] or "")
        return found, np.full(len(found), np.nan, np.float32)

    def _worded(self, query: Query, wanted: Options, start: float) -> Answer:
        """The pictures that have the words of a query; no encoder is opened for it."""
        if wanted["like"] or wanted["unlike"]:
            raise QueryError("marks cannot refine a search by words; leave the mode at 'auto'")
        if wanted["least"] is not None:
            raise QueryError("a search by words has no scores to compare; leave the mode at 'auto'")
        if wanted["explain"]:
            raise QueryError("a search by words has no scores to explain; leave the mode at 'auto'")
        wording, lookup = QueryWords.alone(query), self.library.words
        order = by_words(lookup, wording, wanted["exclude"], self._allowed(wanted))
        page = page_of(self.library, order, {**wanted, "diverse": 0.0}, {})
        hits = with_words(lookup, read_hits(self.library, page.ids, page.scores), wording.words)
        return _timed(query, placed(self.library, hits, page), start, page)

    def _found(self, query: Query, wanted: Options, start: float) -> Answer:
        weight = self._weight(query.weight)
        encoder = self.library.encoder
        means = self._rows().centres.means
        embedded = embed(query, encoder, means, offline=self.library.offline)
        if self._once and isinstance(encoder, RestingEncoder):
            encoder.rest()
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
            before = self.library.vectors_key
            try:
                answer = ask()
            except RowsDamaged as error:
                self.library.index.distrust(error.file)
            except ValueError:
                if self.library.vectors_key == before:
                    raise
            else:
                if self.library.vectors_key == before:
                    return answer

    def _alike(self, picture_id: int, wanted: Options, asked: float | None, start: float) -> Answer:
        weight = self._weight(asked)
        stored = self._rows()
        v_i = self.library.embedded([picture_id]).v_i
        same = self.library.catalogue.pictures([picture_id]).get(picture_id)
        if same is None or not len(v_i):
            raise QueryError(f"picture {picture_id} is no longer in the library; search again")
        q = centred_query(v_i[0], IMAGE, stored.centres.means)
        query = Query((Term(picture=str(same.path)),), weight)
        embedded = EmbeddedQuery(q, (same.content_hash,), q[None])
        return self._answer(embedded, query, weight, wanted, start)

    def _answer(
        self, embedded: EmbeddedQuery, query: Query, weight: float, wanted: Options, start: float
    ) -> Answer:
        stored = self._rows()
        embedded, wrong = self._refined(against(stored, embedded, weight), wanted, weight)
        allowed, means = self._allowed(wanted), stored.centres.means
        names = names_in(QueryWords.of(query)) if wanted["mode"] == AUTO else ()
        named = having_names(self.library.words, names, stored.index.size)
        order = self._order(embedded, wrong, weight, wanted, allowed, named)
        page, parts = page_of(self.library, order, wanted, means), Parts(embedded.q, means)
        hits = read_hits(self.library, page.ids, page.scores, parts)
        hits = with_words(self.library.words, hits, names) if named else hits
        present, unmarked = None, not wanted["like"] and not wanted["unlike"]
        if unmarked and askable(query):
            among = len(stored.index) if allowed is None else len(allowed)
            hits, present = self._weighed(hits, page, parts, query, among)
            hits = kept_by_words(self.library.words, hits, query)
        unknown = unknown_words(self.library, query)
        if unmarked and asks_nothing(query, unknown):
            hits, present = guessed(hits), None
        if wanted["explain"]:
            hits = explained(self.library, stored, hits, embedded, query, weight)
        answer = _timed(query, placed(self.library, hits, page), start, page)
        return replace(answer, unknown=unknown, present=None if named else present)

    def _weighed(
        self, hits: tuple[Hit, ...], page: Page, parts: Parts, query: Query, among: int
    ) -> tuple[tuple[Hit, ...], float | None]:
        """Hits of a page with their confidence, by the best hit of all; and what that tells."""
        first = hits if not page.offset else read_hits(self.library, *page.first, parts)
        calibration, leading = self.library.calibration, page.leading
        return weighed(hits, query, calibration, among, best=first[:1], leading=leading)

    def _order(
        self,
        embedded: EmbeddedQuery,
        wrong: Sequence[bytes],
        weight: float,
        wanted: Options,
        allowed: NDArray[np.int64] | None,
        named: Mapping[int, int],
    ) -> RankedPictures:
        """All pictures that may be found, in the order of the answer."""
        stored = self._rows()
        out = [*wanted["exclude"], *self._own(wrong)]
        own = [key for key in self._own(embedded.content_hashes) if key not in out]

        def limits(barred: Sequence[int], only: NDArray[np.int64] | None) -> Selection:
            index = stored.index
            having = None if only is None else index.positions(only)
            bars = np.array([*barred], np.int64)
            return Selection(wanted["k"], index.positions(bars) if len(bars) else bars, having)

        within = limits([*out, *own], allowed)
        found = reaching(_best_first(stored, embedded, weight, within), wanted["least"])
        if named:
            places = within.among(stored.index.positions(np.array(sorted(named), np.int64)))
            positions, scores = nearest_without(stored, embedded, weight, places)
            having = picture_ids(stored.index.keys_at(positions)), scores
            having = reaching(RankedPictures.of(*having), wanted["least"]).first(len(scores))
            found = named_first(found, *having, named)
        if not wanted["asked_first"] or not own:
            return found
        first = np.array(own, np.int64)
        first = first if allowed is None else np.intersect1d(first, allowed)
        head = _best_first(stored, embedded, weight, limits(out, first))
        return preceded(head.first(len(first)), found)

    def _refined(
        self, embedded: EmbeddedQuery, wanted: Options, weight: float
    ) -> tuple[EmbeddedQuery, list[bytes]]:
        """The query as the marked pictures refine it, which are right; contents of wrong ones."""
        means = self._rows().centres.means
        right = examples_of(self.library, wanted["like"])
        wrong = examples_of(self.library, wanted["unlike"])
        contents = {example.content_hash for example in right}
        if any(example.content_hash in contents for example in wrong):
            raise QueryError("a picture is marked both as right and as wrong; remove one mark")
        rows = [marked_rows(self.library, marks, means, weight) for marks in (right, wrong)]
        hashes = (*embedded.content_hashes, *contents)
        moved = replace(refined(embedded, *rows), content_hashes=hashes)
        return moved, [example.content_hash for example in wrong]

    def _allowed(self, wanted: Options) -> NDArray[np.int64] | None:
        """Ids of the pictures that may be found; None for all."""
        where, tags = wanted["where"], wanted["tags"]
        if not tags and not where:
            return None
        allowed = [self._matches(where)] if where else []
        if tags:
            having = self.library.tags.having(self.library.encoder_id, tags)
            allowed.append(np.array(list(having), np.int64))
        return functools.reduce(np.intersect1d, allowed)

    def _matches(self, where: str) -> NDArray[np.int64]:
        """Imported with the first filter: it brings SQLAlchemy with it."""
        found: NDArray[np.int64] = import_module("search.where").matches(self.library, where)
        return found

    def _rows(self) -> CentredIndex:
        """The library's rows, opened again when the library has changed."""
        index = self.library.vectors()
        if self._stored is None or self._stored[0] is not index:
            self._stored = (index, CentredIndex.in_index(index, self.library.encoder.means))
        return self._stored[1]

    def _own(self, contents: Iterable[bytes]) -> list[int]:
        """Ids of the pictures that consist of these bytes."""
        return [
            key for content in contents for key in self.library.catalogue.ids_of_content(content)
        ]


def _best_first(
    stored: CentredIndex, embedded: EmbeddedQuery, weight: float, wanted: Selection
) -> RankedPictures:
    """All pictures for a query, best first, whether or not it takes something away."""
    if embedded.without:
        return lowered_first(stored, embedded, weight, wanted)
    return best_first(stored, embedded.q, weight, wanted)


def _timed(query: Query, hits: tuple[Hit, ...], start: float, page: Page) -> Answer:
    elapsed = round(1000 * (time.perf_counter() - start), 1)
    return Answer(query, hits, elapsed, page.offset + len(page.ids) if page.more else None)
