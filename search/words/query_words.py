"""The words of a query, and the pictures that have them in their captions, names or tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import WordLookup
from indexer.catalogue.tokens import SPACELESS, WORD, forms
from indexer.errors import QueryError
from search.query.terms import Query, Term
from search.ranking.order import RankedPictures, Ranking

_FILLERS = (
    "a about all an and are as at be but by can for from had has have he her him his i in into is "
    "it its me my no not of off on or our out over she so some that the their them then there "
    "these they this those to under up was we were what when where which while who with you "
    "your"
)
_RUNS = re.compile(f"{SPACELESS.pattern}|(?:(?!{SPACELESS.pattern}).)+")
FILLERS = frozenset(_FILLERS.split())


@dataclass(frozen=True, slots=True)
class QueryWords:
    """The words to look up, and groups of words that a picture must not have together."""

    words: tuple[str, ...]
    without: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def of(cls, query: Query) -> QueryWords:
        """The words of the terms of a query, whatever their weights are."""
        terms = [(term.weight, _words(term.text)) for term in query.terms if term.text]
        positive = [word for weight, words in terms if weight > 0 for word in words]
        return cls(
            tuple(dict.fromkeys(positive)), tuple(words for weight, words in terms if weight < 0)
        )

    @classmethod
    def alone(cls, query: Query) -> QueryWords:
        """The words of a query by words alone; the name of a file counts as a word.

        Raises `QueryError` for any other picture, and if no word is left.
        """
        words = cls.of(named_by_words(query))
        if not words.words:
            raise QueryError("no words to search for; give words, or leave the mode at 'auto'")
        return words


def _words(text: str) -> tuple[str, ...]:
    """The words of a text that can be looked up; fillers only if there are no others."""
    words = tuple(word for word in split_words(text) if forms(word))
    return tuple(word for word in words if word.lower() not in FILLERS) or words


def split_words(text: str) -> list[str]:
    """The words of a text between spaces; each run of a script without spaces is one of its own."""
    return [part for word in text.split() for part in _parts(word)]


def _parts(word: str) -> list[str]:
    return [word] if forms(word) == () or not SPACELESS.search(word) else _RUNS.findall(word)


def named_by_words(query: Query) -> Query:
    """The query with the names of files as words. Raises `QueryError` for any other picture."""
    return replace(query, terms=tuple(_by_name(term) for term in query.terms))


def _by_name(term: Term) -> Term:
    """The term with the name of a file as a word. Raises `QueryError` for bytes and URLs."""
    if term.picture is None:
        return term
    if isinstance(term.picture, str) and WORD.match(term.picture) and "/" not in term.picture:
        return Term(text=term.picture, weight=term.weight)
    raise QueryError("a picture has no words; use words only, or leave the mode at 'auto'")


def having_words(
    lookup: WordLookup,
    words: QueryWords,
    barred: Iterable[int],
    allowed: NDArray[np.int64] | None,
) -> RankedPictures:
    """The pictures that have the words, best first, among those that are allowed (None: all)."""
    out = {*barred, *(key for group in words.without for key in _having_all(lookup, group))}

    def first(count: int) -> Ranking:
        best = lookup.best(words.words, -1 if allowed is not None else count + len(out))
        ids = np.array([key for key, _ in best if key not in out], np.int64)
        ids = (ids if allowed is None else ids[np.isin(ids, allowed)])[:count]
        return ids, np.full(len(ids), np.nan, np.float32)

    return RankedPictures(first)


def _having_all(lookup: WordLookup, words: Sequence[str]) -> set[int]:
    having = [set(lookup.having(word)) for word in words]
    return set.intersection(*having) if having else set()
