"""Names and numbers in a query: words that captions or file names have, and no embedding knows.

"Anna on the beach" finds pictures that have the word "Anna", those on a beach first. Words that
describe what is seen do not count: by measurement, they would push away what an embedding finds
(docs/words.md). Whether "Rose" describes or names, query and library tell by how they write it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import (
    WordLookup,
    any_of,
    in_any_writing,
    in_name,
    not_read,
    with_capital,
)
from indexer.catalogue.tokens import SPACELESS, WORD, plain
from search.query.terms import Query
from search.ranking.order import RankedPictures, Ranking
from search.words.query_words import FILLERS
from search.words.vocabulary import SHORTEST, describes_with_capital, is_common, is_described
from search.words.writing import Writing, may_be_written_as_name, written_words

_NUMBER = re.compile(r"\d{3,}|[a-z]+\d+")  # "2041", "p1000"; not "2", "4x4" or "3d"
_MAX_SHARE = 0.5  # of all pictures: a word that more of them have tells nothing
_MOST_READ = 200  # captions in which the writing of a word is looked at
_READ = 0.5  # of a name that a program read in a picture: less than if people wrote it
_MOST_TOKENS = 8  # of a text that may be the name of a file as it stands


@dataclass(frozen=True, slots=True)
class NamedPictures:
    """The pictures that have names of a query.

    `matches` is the full-text query that finds each name. `counts` is the number of names that each
    picture has, by id, one half for one that only its read text has; others are left out.
    """

    matches: Mapping[str, str]
    counts: Mapping[int, float]


NOBODY = NamedPictures({}, {})


def named_pictures(
    lookup: WordLookup, query: Query, size: int, *, refined: bool = False
) -> NamedPictures:
    """The pictures that have names of the positive terms of a query.

    `size`: number of pictures of the library. A name that no picture has, or most have, does not
    count. A text of several words counts as one more name where the name of a file has it as it
    stands, unless it is one of several terms or marked pictures have `refined` it. It may describe,
    so that it is not among the names.
    """
    finder, matches = _Finder(lookup, size), dict[str, str]()
    counts, shows_text = defaultdict[int, float](float), lookup.shows_text()
    terms = [term for term in query.terms if term.weight > 0]
    for name, match in (found for term in terms for found in finder.names(term.text)):
        ids = finder.having(match) if name not in matches else []
        if ids:
            matches[name] = match
            written = {*(lookup.matching(not_read(match)) if shows_text else ids)}
            for key in ids:
                counts[key] += 1 if key in written else _READ
    if len(terms) == 1 and not refined and 1 < len(WORD.findall(terms[0].text)) <= _MOST_TOKENS:
        for key in finder.having(in_name(terms[0].text)):
            counts[key] += 1
    return NamedPictures(matches, counts)


def is_name(word: str) -> bool:
    """Whether a word may be a name or number however it is written."""
    return any(_is_name(token) for token in WORD.findall(plain(word).lower()))


def _is_name(token: str) -> bool:
    if SPACELESS.search(token):
        return True
    if len(token) < SHORTEST or token in FILLERS:
        return False
    if any(c.isdecimal() for c in token):
        return _NUMBER.match(token) is not None
    return not is_described(token)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds the names of a query that a library has."""

    lookup: WordLookup
    size: int

    def names(self, text: str) -> Iterator[tuple[str, str]]:
        """The words of a text that may be names, and the full-text query for each."""
        for word, writing in written_words(text):
            yield word, self._match(word, writing)

    def having(self, match: str) -> list[int]:
        """The pictures that a full-text query finds; none if they are too many to tell anything."""
        most = max(1, int(_MAX_SHARE * self.size))
        return self.lookup.few(match, most)

    def _match(self, word: str, writing: Writing) -> str:
        """The full-text query for a word that is a name here; empty if it is none.

        Of words of descriptions, writing tells: that of the query, and where a capital may stand
        for the beginning of a sentence, that of the library.
        """
        if is_name(word):
            return any_of([word])
        if not may_be_written_as_name(word):
            return ""
        return self._common(word, writing) if is_common(word) else self._rare(word, writing)

    def _common(self, word: str, writing: Writing) -> str:
        """The same of a common word: a capital inside the query makes it a name.

        At the beginning, or alone, it is one if the name of a file or folder has it
        with a capital, or if no caption describes with it.
        """
        in_names = with_capital(word, only_in_names=True)
        if writing is Writing.NAME:
            return in_names if describes_with_capital(word) else with_capital(word)
        if writing is Writing.SMALL:
            return ""
        if self.having(in_names):
            return in_names
        return "" if self._describing(word) else with_capital(word)

    def _rare(self, word: str, writing: Writing) -> str:
        """The same of a rare word, which a small letter does not tell from a name either."""
        match = in_any_writing(word)
        named = self.having(match)
        if writing in (Writing.SMALL, Writing.ALONE):
            return match if named and len(named) > self._describing(word) else ""
        return match if named else any_of([word])

    def _describing(self, word: str) -> int:
        """The number of captions that write a word in small letters, among the first that have it.

        Captions with another form of it do not count.
        """
        small = re.compile(rf"(?<![^\W_]){re.escape(word.lower())}(?![^\W_])")
        texts = self.lookup.captions(any_of([word]), _MOST_READ)
        return sum(small.search(text) is not None for text in texts)


def named_first(
    order: RankedPictures,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    named: Mapping[int, float],
) -> RankedPictures:
    """An order, preceded by the pictures that have a name, those with most names first.

    `ids` are these pictures in their order by meaning, with their scores (n,). Among pictures with
    as many names, meaning decides.
    """
    most_first = np.argsort([-named[key] for key in ids.tolist()], kind="stable").astype(np.int64)
    ids, scores = ids[most_first], scores[most_first]

    def first(count: int) -> Ranking:
        if count <= len(ids):
            return ids[:count], scores[:count]
        others, below = order.first(count)
        rest = np.isin(others, ids, invert=True)
        both = np.append(ids, others[rest]), np.append(scores, below[rest])
        return both[0][:count], both[1][:count]

    return RankedPictures(first, order.cheap)
