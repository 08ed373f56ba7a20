"""Answers that need no encoder: by words alone, by the name of a file, and by filters alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from indexer.errors import QueryError
from indexer.library.searchable import Searchable
from search.answer.excerpts import with_excerpts
from search.answer.hits import Answer, read_hits, with_words
from search.answer.paging import page_of, ranked_hits
from search.query.options import SearchOptions
from search.query.terms import Query
from search.ranking.filtering import allowed_ids, in_browsing_order
from search.ranking.order import RankedPictures
from search.words.query_words import QueryWords, having_words
from search.words.unknown import corrected, unlisted_words


def answer_by_filters(library: Searchable, options: SearchOptions) -> Answer:
    """The pictures that fulfil `where` and have the tags; all other options but pages are unused.

    Raises `InputError` for a condition or tag that is not understood, or a negative offset.
    """
    library.gather(None, 0.0, options.offset + options.k)
    order = RankedPictures.of(
        *in_browsing_order(library, options.where, options.tags, options.date_order)
    )
    page = page_of(library, order, replace(options, diverse=0.0), {})
    hits = read_hits(library, page.ids, page.scores, found_by="filter")
    return Answer(Query(()), ranked_hits(library, hits, page), 0.0, page.next_offset)


def answer_by_words(library: Searchable, query: Query, options: SearchOptions) -> Answer:
    """The pictures that have the words of a query in a caption, name or tag.

    Raises `QueryError` for options that need a score, and for a query without words.
    """
    if options.like or options.unlike:
        raise QueryError("marks cannot refine a search by words; leave the mode at 'auto'")
    if options.least is not None:
        raise QueryError("a search by words has no scores to compare; leave the mode at 'auto'")
    if options.explain:
        raise QueryError("a search by words has no scores to explain; leave the mode at 'auto'")
    words = QueryWords.alone(query)
    allowed = allowed_ids(library, options.where, options.tags, options.date_order)
    order = having_words(library.words, words, options.exclude, allowed)
    page = page_of(library, order, replace(options, diverse=0.0), {})
    hits = read_hits(library, page.ids, page.scores, found_by="words")
    hits = with_words(library.words, hits, words.words)
    hits = with_excerpts(library.words, hits)
    suggestion = corrected(query, unlisted_words(library.words, query))
    return Answer(
        query, ranked_hits(library, hits, page), 0.0, page.next_offset, suggestion=suggestion
    )


def answer_by_name(
    library: Searchable, query: Query, ids: Sequence[int], options: SearchOptions
) -> Answer:
    """The pictures of the name that a query is; all options but pages and filters are unused."""
    allowed = allowed_ids(library, options.where, options.tags, options.date_order)
    keys = np.setdiff1d(np.array(ids, np.int64), np.array([*options.exclude], np.int64))
    keys = keys if allowed is None else np.intersect1d(keys, allowed)
    order = RankedPictures.of(keys, np.full(len(keys), np.nan, np.float32))
    page = page_of(library, order, replace(options, diverse=0.0), {})
    hits = read_hits(library, page.ids, page.scores, found_by="name")
    return Answer(query, ranked_hits(library, hits, page), 0.0, page.next_offset)
