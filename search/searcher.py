"""The searcher: a library answers queries."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import IMAGE, centred_query
from indexer.encoders import RestingEncoder
from indexer.encoders.precision import plain_name
from indexer.errors import QueryError
from indexer.library.searchable import Searchable
from indexer.settings import DATE_ORDERS
from indexer.vectors.blocks import RowsDamaged
from indexer.vectors.index import VectorIndex
from indexer.vectors.scoring import CentredIndex
from search.answer.confidence import check_threshold
from search.answer.hits import Answer, Hit
from search.answer.question import Question
from search.answer.without_encoder import answer_by_filters, answer_by_name, answer_by_words
from search.query.embedding import EmbeddedQuery, embed
from search.query.examples import Mark
from search.query.options import AUTO, WORDS, SearchOptions
from search.query.recalling import pictures_of_name, recalled
from search.query.terms import Query, Term, as_query
from search.ranking.filtering import in_browsing_order
from search.words.languages import in_english
from search.words.unknown import is_unread, unknown_words

EVERY = sys.maxsize  # as a number of pictures: all of them


class Searcher:
    """Searches one library; keeps its vector index open and notices when it changes.

    With `once`, the encoder releases its memory before rows are read, so that a process never
    holds both. The next query would have to open the encoder again.
    """

    def __init__(self, library: Searchable, *, once: bool = False) -> None:
        self.library = library
        self._once = once
        self._opened: tuple[VectorIndex, CentredIndex] | None = None

    def search(
        self,
        query: Query | str,
        *,
        k: int = 10,
        weight: float | None = None,
        offset: int = 0,
        where: str | None = None,
        tags: Sequence[str] = (),
        exclude: Iterable[int] = (),
        mode: str = AUTO,
        fold: bool = False,
        diverse: float = 0.0,
        like: Sequence[Mark] = (),
        unlike: Sequence[Mark] = (),
        asked_first: bool = False,
        least: float | None = None,
        min_confidence: float | None = None,
        date_order: str = DATE_ORDERS[0],
        explain: bool = False,
    ) -> Answer:
        """The k best pictures for a query; `SearchOptions` describes the options.

        Pictures of the query that the library has are left out, by content, and so are marked ones.
        A query without terms is answered by the pictures marked as right. The query of the answer
        has the weight that was used. Raises `QueryError`, `InputError` for a weight that the fusion
        cannot serve or a tag that no head gives, and `LibraryError`.
        """
        options = SearchOptions(
            k=k,
            weight=weight,
            offset=offset,
            where=where,
            tags=tuple(tags),
            exclude=tuple(exclude),
            mode=mode,
            fold=fold,
            diverse=diverse,
            like=tuple(like),
            unlike=tuple(unlike),
            asked_first=asked_first,
            least=least,
            min_confidence=min_confidence,
            date_order=date_order,
            explain=explain,
        )
        return self.ask(as_query(query), options)

    def similar(
        self,
        picture_id: int,
        *,
        k: int = 10,
        weight: float | None = None,
        offset: int = 0,
        where: str | None = None,
        tags: Sequence[str] = (),
        exclude: Iterable[int] = (),
        fold: bool = False,
        diverse: float = 0.0,
        like: Sequence[Mark] = (),
        unlike: Sequence[Mark] = (),
        asked_first: bool = False,
        least: float | None = None,
        date_order: str = DATE_ORDERS[0],
        explain: bool = False,
    ) -> Answer:
        """Pictures like one of the library, by its stored embedding and without decoding it.

        Raises `QueryError` for what is no id of a picture (`hit.picture_id`).
        """
        if not isinstance(picture_id, int | np.integer):
            raise QueryError(
                f"{picture_id!r}: not a picture id; for a file, use Query.of(picture=…)"
            )
        options = SearchOptions(
            k=k,
            weight=weight,
            offset=offset,
            where=where,
            tags=tuple(tags),
            exclude=tuple(exclude),
            fold=fold,
            diverse=diverse,
            like=tuple(like),
            unlike=tuple(unlike),
            asked_first=asked_first,
            least=least,
            date_order=date_order,
            explain=explain,
        )
        return self.ask(int(picture_id), options)

    def browse(
        self,
        *,
        k: int = 10,
        offset: int = 0,
        where: str | None = None,
        tags: Sequence[str] = (),
        fold: bool = False,
        date_order: str = DATE_ORDERS[0],
    ) -> Answer:
        """The k pictures that `where` and `tags` allow, without a query.

        With tags, those that have all of them most surely come first, by the lowest probability;
        without, the newest.
        """
        options = SearchOptions(
            k=k, offset=offset, where=where, tags=tuple(tags), fold=fold, date_order=date_order
        )
        return self.ask(None, options)

    def explain(self, query: Query | str, picture_id: int, *, weight: float | None = None) -> Hit:
        """The hit that one picture is for a query, with what adds how much to its score.

        Its rank is among itself alone. Raises `QueryError` if it is gone, or can be no answer.
        """
        options = SearchOptions(k=1, weight=weight, asked_first=True, explain=True)
        asked = as_query(query)

        with self._asking(None, options.date_order) as searcher:

            def answer() -> Answer:
                searcher.library.embedded([picture_id])
                question = searcher._question(asked, options)
                return replace(question, allowed=np.array([picture_id], np.int64)).answer()

            hits = searcher._settled(answer).hits
        if not hits:
            raise QueryError(f"picture {picture_id} is no answer to this query; search again")
        return hits[0]

    def matching_ids(
        self,
        *,
        where: str | None = None,
        tags: Sequence[str] = (),
        date_order: str = DATE_ORDERS[0],
    ) -> NDArray[np.int64]:
        """Ids (n,) of all pictures that `where` and `tags` allow, in the order of `browse`."""
        with self._asking(where, date_order) as searcher:
            searcher.library.gather(None, 0.0, EVERY)
            return in_browsing_order(searcher.library, where, tags, date_order)[0]

    def ask(self, subject: Query | int | None, options: SearchOptions) -> Answer:
        """The answer of `search` to a query, of `similar` to an id, and of `browse` to None.

        For callers that keep options as one object.
        """
        start = time.perf_counter()
        with self._asking(options.where, options.date_order) as searcher:
            answer = searcher._settled(lambda: searcher._answer(subject, options))
        if options.min_confidence is not None:
            answer = answer.confident(options.min_confidence)
        return replace(answer, elapsed_ms=round(1000 * (time.perf_counter() - start), 1))

    @contextmanager
    def _asking(self, where: str | None, date_order: str) -> Iterator[Searcher]:
        """The searcher that answers one question."""
        with self.library.asking(where, date_order) as library:
            yield self if library is self.library else Searcher(library)

    def _answer(self, subject: Query | int | None, options: SearchOptions) -> Answer:
        check_threshold(self.library, subject, options)
        if subject is None:
            return answer_by_filters(self.library, options)
        if isinstance(subject, Query) and options.mode == WORDS:
            return answer_by_words(self.library, subject, options)
        if isinstance(subject, Query) and (ids := pictures_of_name(self.library, subject)):
            return answer_by_name(self.library, subject, ids, options)
        if isinstance(subject, Query) and self._is_by_words_alone(subject, options):
            found = answer_by_words(self.library, subject, replace(options, explain=False))
            unknown = unknown_words(self.library, subject)
            return replace(found, unknown=unknown, unread_by=plain_name(self.library.encoder.name))
        return self._question(subject, options).answer()

    def _is_by_words_alone(self, query: Query, options: SearchOptions) -> bool:
        """Whether the encoder cannot read the query, and no mark or limit needs a score."""
        scored = options.like or options.unlike or options.least is not None
        return options.mode == AUTO and not scored and is_unread(self.library, query)

    def _question(self, subject: Query | int, options: SearchOptions) -> Question:
        """The embedded query with its options; embeds before it reads rows."""
        named = subject.weight if isinstance(subject, Query) else None
        weight = self._checked_weight(named if options.weight is None else options.weight)
        if isinstance(subject, Query):
            query = recalled(self.library, in_english(subject, self.library.encoder))
            embedded = self._embedded(query)
        else:
            query, embedded = self._embedded_picture(subject)
        return Question.of(self.library, self._rows(), query, weight, options, embedded)

    def _checked_weight(self, weight: float | None) -> float:
        """The weight, or that of the library if None. Raises `InputError`."""
        weight = self.library.weight if weight is None else weight
        self.library.fusion.check_weight(weight)
        return weight

    def _embedded(self, query: Query) -> EmbeddedQuery:
        encoder = self.library.encoder
        means = self._rows().centres.means
        embedded = embed(query, encoder, means, offline=self.library.offline)
        if self._once and isinstance(encoder, RestingEncoder):
            encoder.rest()
        return embedded

    def _embedded_picture(self, picture_id: int) -> tuple[Query, EmbeddedQuery]:
        """A picture of the library as a query. Raises `QueryError` if it is gone."""
        means = self._rows().centres.means
        v_i = self.library.embedded([picture_id]).v_i
        picture = self.library.catalogue.pictures([picture_id]).get(picture_id)
        if picture is None or not len(v_i):
            raise QueryError(f"picture {picture_id} is no longer in the library; search again")
        q = centred_query(v_i[0], IMAGE, means)
        query = Query((Term(picture=str(picture.path)),))
        return query, EmbeddedQuery(q, (picture.content_hash,), q[None])

    def _settled(self, ask: Callable[[], Answer]) -> Answer:
        """The answer; asks again if the library moved to another encoder or fusion meanwhile, if
        it has gathered more rows, or if a file of its vector index is damaged, whose rows are then
        made again.

        Rows of one encoder mean nothing to a query of another, even if they have the same width.
        """
        while True:
            before = self.library.rows_key
            try:
                answer = ask()
            except RowsDamaged as error:
                self.library.distrust(error.file)
            except ValueError:
                if self.library.rows_key == before:
                    raise
            else:
                if self.library.rows_key == before:
                    return answer

    def _rows(self) -> CentredIndex:
        """The library's rows, opened again when the library has changed."""
        index = self.library.vectors()
        if self._opened is None or self._opened[0] is not index:
            self._opened = (index, CentredIndex.in_index(index, self.library.encoder.means))
        return self._opened[1]
