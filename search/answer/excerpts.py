"""Excerpts: the parts of the text in pictures that have words of a query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from indexer.catalogue.lookup.words import WordLookup
from search.answer.hits import Hit
from search.query.terms import Query
from search.words.query_words import QueryWords


def with_shown_words(hits: Sequence[Hit], query: Query, shown: Collection[int]) -> tuple[Hit, ...]:
    """The hits, of which those that are `shown` have all words of the query."""
    words = QueryWords.of(query).words if shown else ()
    return tuple(replace(hit, words=words) if hit.picture_id in shown else hit for hit in hits)


def with_excerpts(lookup: WordLookup, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits, each with the part of its text that has its words."""
    having = [hit for hit in hits if hit.words and "text" in hit.metadata]
    words = dict.fromkeys(word for hit in having for word in hit.words or ())
    excerpts = lookup.excerpts(list(words), [hit.picture_id for hit in having]) if having else {}
    return tuple(replace(hit, excerpt=excerpts.get(hit.picture_id)) for hit in hits)
