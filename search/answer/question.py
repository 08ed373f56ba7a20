"""A question: one query to one library by meaning, from its rows to its answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.errors import QueryError
from indexer.library.searchable import Searchable
from indexer.vectors.keys import picture_ids
from indexer.vectors.nearest import Selection
from indexer.vectors.scoring import CentredIndex, ScoredQuery, block_scores, score_level
from search.answer.confidence import Searched, askable, trusted_by_words, with_confidence
from search.answer.excerpts import with_excerpts, with_shown_words
from search.answer.explaining import raised_by_text, with_explanations
from search.answer.hits import Answer, Hit, QueryRow, all_doubtful, read_hits, with_names
from search.answer.paging import Page, page_of, ranked_hits
from search.query.embedding import EmbeddedQuery, left_out
from search.query.examples import examples_of, marked_rows
from search.query.feedback import refined
from search.query.options import AUTO, SearchOptions
from search.query.terms import Query
from search.ranking.excluding import nearest_without, ranked_without, with_best_scores
from search.ranking.filtering import allowed_ids
from search.ranking.order import RankedPictures, Ranking, best_first, preceded, reaching
from search.words.names import NOBODY, NamedPictures, named_first, named_pictures
from search.words.shown import DEVIATIONS, raised, showing
from search.words.unknown import asks_nothing, corrected, unknown_words


@dataclass(frozen=True, slots=True)
class Question:
    """A query with all that its answer needs; made once for each search.

    `query` has the weight that is used. `embedded` is the query as marked pictures refine it, and
    `wrong` are the contents of those marked as wrong. `allowed`: ids (n,) that the filters let
    through, None for all. `named`: the names in the query, and the pictures that have them.
    `shown`: ids of the pictures in whose text all words of the query were read, and `raising`, the
    amount by which that raises them.
    """

    library: Searchable
    rows: CentredIndex
    query: Query
    weight: float
    options: SearchOptions
    embedded: EmbeddedQuery
    wrong: tuple[bytes, ...]
    allowed: NDArray[np.int64] | None
    named: NamedPictures
    shown: frozenset[int]
    raising: float

    @classmethod
    def of(
        cls,
        library: Searchable,
        rows: CentredIndex,
        query: Query,
        weight: float,
        options: SearchOptions,
        embedded: EmbeddedQuery,
    ) -> Question:
        """The question that an embedded query asks at a weight.

        Raises `QueryError` for marks that contradict each other or cancel the query out, and
        `InputError` for a condition or tag that is not understood.
        """
        embedded = with_best_scores(rows, embedded, weight)
        embedded, wrong = _refined_by_marks(library, rows, embedded, weight, options)
        sought = np.stack([embedded.q, *(negative.row for negative in embedded.without)])
        library.gather(sought, weight, options.offset + options.k)
        allowed = allowed_ids(library, options.where, options.tags, options.date_order)
        named, shown, size = NOBODY, frozenset[int](), rows.index.number
        if options.mode == AUTO:
            refined = bool(options.like or options.unlike)
            named = named_pictures(library.words, query, size, refined=refined)
            shown = showing(library.words, query, size)
        scored = ScoredQuery.of(rows, embedded.q, weight)
        raising = DEVIATIONS * _level(rows, scored)[1] if shown else 0.0
        return cls(
            library,
            rows,
            replace(query, weight=weight),
            weight,
            options,
            embedded,
            wrong,
            allowed,
            named,
            shown,
            raising,
        )

    def answer(self) -> Answer:
        """The page of hits that the options ask for, with all that is known of them."""
        page = page_of(self.library, self.order(), self.options, self.rows.centres.means)
        hits, probability_present = self._judged_hits(page)
        unknown = unknown_words(self.library, self.query)
        if not self._is_marked and asks_nothing(self.query, unknown):
            hits, probability_present = all_doubtful(hits), None
        if self.options.explain:
            hits = with_explanations(
                self.library, self.rows, hits, self.embedded, self.query, self.weight
            )
            hits = raised_by_text(hits, self.shown, self.raising)
        return Answer(
            self.query,
            ranked_hits(self.library, hits, page),
            0.0,
            page.next_offset,
            unknown,
            None if self.named.matches or self.shown else probability_present,
            corrected(self.query, unknown),
            left_out(self.query, self.library.encoder),
        )

    def order(self) -> RankedPictures:
        """All pictures that may be found, in the order of the answer.

        Pictures that have a name of the query come before all others. Pictures of the query, and
        those marked as right, are left out, or come first of all if they are asked for.
        """
        barred = [*self.options.exclude, *self._ids_of(self.wrong)]
        own = [key for key in self._ids_of(self.embedded.content_hashes) if key not in barred]
        others = self._selection([*barred, *own], self.allowed)
        order = reaching(self._best_first(others), self.options.least)
        if self.shown:
            order = raised(order, self._ranked(self.shown, others), self.raising)
        if self.named.counts:
            order = self._named_first(order, others)
        if not self.options.asked_first or not own:
            return order
        own_ids = np.array(own, np.int64)
        if self.allowed is not None:
            own_ids = np.intersect1d(own_ids, self.allowed)
        first = self._best_first(self._selection(barred, own_ids))
        return preceded(first.first(len(own_ids)), order)

    def _best_first(self, selection: Selection) -> RankedPictures:
        if self.embedded.without:
            return ranked_without(self.rows, self.embedded, self.weight, selection)
        return best_first(self.rows, self.embedded.q, self.weight, selection)

    def _named_first(self, order: RankedPictures, others: Selection) -> RankedPictures:
        having = RankedPictures.of(*self._ranked(self.named.counts, others))
        if shown := self.shown & self.named.counts.keys():
            having = raised(having, self._ranked(shown, others), self.raising)
        ids, scores = having.first(len(self.named.counts))
        return named_first(order, ids, scores, self.named.counts)

    def _ranked(self, ids: Iterable[int], others: Selection) -> Ranking:
        """Those of the pictures that may be found, best first by meaning, with their scores."""
        index = self.rows.index
        selection = others.among(index.positions(np.array(sorted(ids), np.int64)))
        positions, scores = nearest_without(self.rows, self.embedded, self.weight, selection)
        ranked = RankedPictures.of(picture_ids(index.keys_at(positions)), scores)
        return reaching(ranked, self.options.least).first(len(scores))

    def _selection(self, barred: Sequence[int], only: NDArray[np.int64] | None) -> Selection:
        positions, ids = self.rows.index.positions, np.array([*barred], np.int64)
        return Selection(
            self.options.k,
            positions(ids) if len(ids) else ids,
            None if only is None else positions(only),
        )

    def _ids_of(self, contents: Iterable[bytes]) -> list[int]:
        """Ids of the pictures that consist of these bytes."""
        catalogue = self.library.catalogue
        return [key for content in contents for key in catalogue.ids_of_content(content)]

    def _judged_hits(self, page: Page) -> tuple[tuple[Hit, ...], float | None]:
        """The hits of a page, and the probability that the library has what is searched for.

        Both are judged by words alone: a query with a picture, a negative term or a mark has no
        confidence.
        """
        row = QueryRow(self.embedded.q, self.rows.centres.means)
        hits = read_hits(self.library, page.ids, page.scores, row)
        if self.named.matches:
            hits = with_names(self.library.words, hits, self.named.matches)
        hits = with_shown_words(hits, self.query, self.shown)
        hits = with_excerpts(self.library.words, hits)
        if self._is_marked or not askable(self.query):
            return hits, None
        calibration, searched = self.library.calibration, self._searched(page)
        hits, probability_present = with_confidence(hits, self.query, calibration, searched)
        return trusted_by_words(self.library.words, hits, self.query), probability_present

    def _searched(self, page: Page) -> Searched:
        """The pictures that were searched, and the scores that lead the answer."""
        index = self.rows.index
        number = index.number if self.allowed is None else len(self.allowed)
        if index.whole is not None and self.allowed is not None:
            number = index.whole.number_of(number)
        sums = self.rows.index.sums
        captioned = sums.with_caption / max(1, sums.with_caption + sums.without_caption)
        query = ScoredQuery.of(self.rows, self.embedded.q, self.weight)
        gain = 1.0 if query.gain is None else float(query.gain[0])
        return Searched(number, captioned, gain, *_level(self.rows, query), page.leading)

    @property
    def _is_marked(self) -> bool:
        return bool(self.options.like or self.options.unlike)


def _level(rows: CentredIndex, query: ScoredQuery) -> tuple[float, float]:
    """Mean and standard deviation of the scores of a query."""
    sampled = block_scores(rows.level_sample, query, rows.fusion)
    (level,), (spread,) = score_level(sampled)
    return float(level), float(spread)


def _refined_by_marks(
    library: Searchable,
    rows: CentredIndex,
    embedded: EmbeddedQuery,
    weight: float,
    options: SearchOptions,
) -> tuple[EmbeddedQuery, tuple[bytes, ...]]:
    """The query as marked pictures refine it, and the contents of those marked as wrong.

    Pictures marked as right count as pictures of the query. Raises `QueryError`.
    """
    right, wrong = examples_of(library, options.like), examples_of(library, options.unlike)
    contents = {example.content_hash for example in right}
    if any(example.content_hash in contents for example in wrong):
        raise QueryError("a picture is marked both as right and as wrong; remove one mark")
    means = rows.centres.means
    marked = [marked_rows(library, examples, means, weight) for examples in (right, wrong)]
    hashes = (*embedded.content_hashes, *contents)
    moved = replace(refined(embedded, *marked), content_hashes=hashes)
    return moved, tuple(example.content_hash for example in wrong)
