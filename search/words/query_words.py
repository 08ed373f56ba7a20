"""The words of a query, and the pictures that have them in their captions, names or tags."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import WordLookup
from indexer.catalogue.tokens import WORD, forms
from indexer.errors import QueryError
from search.query.terms import Query, Term
from search.ranking.order import RankedPictures, Ranking

_FILLERS = (
    "a about all an and are as at be but by can for from had has have he her him his i in into is "
    "it its me my no not of off on or our out over she so some that the their them then there "
    "these they this those to under up was we were what when where which while who with you "
    "your"
)
FILLERS = frozenset(_FILLERS.split())


@dataclass(frozen=True, slots=True)
class QueryWords:
    """The words that are looked for, and terms of words that a picture must not have together."""

    words: tuple[str, ...]
    without: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, query: Query) -> QueryWords:
        """The words of a query's terms, however much these weigh."""
        found = [(term.weight, _words(term.text)) for term in query.terms if term.text]
        wanted = [word for weight, words in found if weight > 0 for word in words]
        return cls(
            tuple(dict.fromkeys(wanted)), tuple(words for weight, words in found if weight < 0)
        )

    @classmethod
    def alone(cls, query: Query) -> QueryWords:
        """The words of a query that is asked by words alone; a file's name is one of them.

        Raises `QueryError` where a picture is asked with, or nothing is left to look for.
        """
        wording = cls.of(named_by_words(query))
        if not wording.words:
            raise QueryError("no words to search for; give words, or leave the mode at 'auto'")
        return wording


def _words(text: str) -> tuple[str, ...]:
    """The words of a text that can be looked for; fillers only where there is nothing else."""
    words = tuple(word for word in text.split() if forms(word))
    return tuple(word for word in words if word.lower() not in FILLERS) or words


def named_by_words(query: Query) -> Query:
    """The query with the names of files as words. Raises `QueryError` for any other picture."""
    return replace(query, terms=tuple(_by_name(term) for term in query.terms))


def _by_name(term: Term) -> Term:
    """The term with the name of a file as a word; nobody looks for bytes, or in the network."""
    if term.picture is None:
        return term
    if isinstance(term.picture, str) and WORD.match(term.picture) and "/" not in term.picture:
        return Term(text=term.picture, weight=term.weight)
    raise QueryError("a picture has no words; use words only, or leave the mode at 'auto'")


def by_words(
    lookup: WordLookup,
    wording: QueryWords,
    barred: Iterable[int],
    allowed: NDArray[np.int64] | None,
) -> RankedPictures:
    """The pictures that have the words, best first, of those that are allowed (None: all)."""
    out = {*barred, *(key for words in wording.without for key in _with_all(lookup, words))}

    def first(count: int) -> Ranking:
        found = lookup.best(wording.words, -1 if allowed is not None else count + len(out))
        ids = np.array([key for key, _ in found if key not in out], np.int64)
        ids = (ids if allowed is None else ids[np.isin(ids, allowed)])[:count]
        return ids, np.full(len(ids), np.nan, np.float32)

    return RankedPictures(first)


def _with_all(lookup: WordLookup, words: Sequence[str]) -> set[int]:
    found = [set(lookup.having(word)) for word in words]
    return set.intersection(*found) if found else set()
