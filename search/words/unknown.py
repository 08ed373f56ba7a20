"""Unknown words: words that no caption, name or tag of a picture has, and no list of words.

An embedding answers "asdkjh" like any text, and nothing in its scores tells that it means nothing.
The lists are English, so only queries to an encoder that knows English alone are checked.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from indexer.catalogue.lookup.words import WordLookup, any_of
from indexer.catalogue.tokens import SPACELESS, WORD, forms
from indexer.encoders import Encoder
from indexer.library.searchable import Searchable
from search.query.terms import Query
from search.words.query_words import QueryWords
from search.words.vocabulary import FILE as VOCABULARY
from search.words.vocabulary import LONGEST, SHORTEST, is_described, roots

ENGLISH = frozenset({"en"})
FILE = Path(__file__).with_name("known.txt")  # names and rarer words (benchmarks/vocabulary.py)
_MAX_COUNT = 1000  # pictures with a word that are counted: more say no more of its likelihood


def unknown_words(library: Searchable, query: Query) -> tuple[Unknown, ...]:
    """The unknown words of a query, also of its negative terms, in their order.

    Empty unless the library's encoder knows English alone.
    """
    return unlisted_words(library.words, query) if knows_english_alone(library.encoder) else ()


def unlisted_words(lookup: WordLookup, query: Query) -> tuple[Unknown, ...]:
    """The words of a query that neither pictures nor lists have, in whatever language."""
    words = QueryWords.of(query.as_read)
    every = dict.fromkeys([*words.words, *(word for term in words.without for word in term)])
    return tuple(
        Unknown(word, _meant(lookup, word))
        for word in every
        if not is_known(word) and not lookup.count(any_of([word]), 1)
    )


def corrected(query: Query, unknown: Iterable[Unknown]) -> str | None:
    """The query with the words that are meant by unknown ones, as it is typed; None without any."""
    meant = {one.word: one.meant for one in unknown if one.meant}
    if not meant:
        return None
    terms = [
        replace(term, text=" ".join(meant.get(word, word) for word in term.text.split()))
        for term in query.terms
    ]
    return str(replace(query, terms=tuple(terms)))


def knows_english_alone(encoder: Encoder) -> bool:
    """Whether an encoder says that it knows no other language than English."""
    return getattr(encoder, "languages", None) == ENGLISH


def asks_nothing(query: Query, unknown: Iterable[Unknown]) -> bool:
    """Whether the positive terms of a query have nothing but unknown words, or no words."""
    positive = [term for term in query.terms if term.weight > 0]
    pictured = any(term.picture is not None for term in positive)
    words = QueryWords.of(query.as_read).words
    return bool(positive) and not pictured and {*words} <= {one.word for one in unknown}


def is_known(word: str) -> bool:
    """Whether a word is on a list, or has no letters that could be looked up.

    One known part of a word ("x-ray") is enough; so are two words written as one ("halfpipe").
    Numbers, and words of one or two Latin letters, are never unknown; other scripts always are.
    """
    if is_foreign(word):
        return False
    parts = [part for form in forms(word) for part in WORD.findall(_bare(form))]
    if any(c.isdecimal() for part in parts for c in part):
        return True
    long = [part for part in parts if len(part) >= SHORTEST]
    return not long or any(_is_listed(part) or _is_compound(part) for part in long)


def is_foreign(word: str) -> bool:
    """Whether a word has letters, none of them Latin; a single Greek letter is a symbol."""
    letters = [] if word.isascii() else [c for c in word if c.isalpha()]
    if len(letters) == 1 and not SPACELESS.search(word):
        return False
    return bool(letters) and not any("LATIN" in unicodedata.name(c, "") for c in letters)


def is_unread(library: Searchable, query: Query) -> bool:
    """Whether the encoder reads English alone and all positive terms are words of other scripts."""
    positive = [term for term in query.terms if term.weight > 0]
    words = QueryWords.of(query).words
    foreign = all(term.picture is None for term in positive) and all(map(is_foreign, words))
    return bool(words) and foreign and knows_english_alone(library.encoder)


def _bare(word: str) -> str:
    """A word in lower case without accents, as in the lists."""
    decomposed = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def _is_listed(part: str) -> bool:
    return is_described(part) or any(root in _listed() for root in roots(part))


def _is_compound(part: str) -> bool:
    if len(part) > 2 * LONGEST:
        return False
    ends = range(SHORTEST, len(part) - SHORTEST + 1)
    return any(is_described(part[:end]) and is_described(part[end:]) for end in ends)


@cache
def _listed() -> frozenset[str]:
    """All listed words."""
    texts = (file.read_text(encoding="ascii") for file in (VOCABULARY, FILE))
    return frozenset(word for text in texts for word in text.split())


def _meant(lookup: WordLookup, word: str) -> str | None:
    """The known word, one typing error away ("dgo": "dog"), that most pictures have; None if none.

    Only the library can tell which of several such words was meant.
    """
    parts = [part for part in WORD.findall(_bare(word)) if len(part) >= SHORTEST]
    if len(parts) != 1 or len(parts[0]) > LONGEST:
        return None
    near = {other for other in _near(parts[0]) if any(root in _listed() for root in roots(other))}
    counts = {other: lookup.count(any_of([other]), _MAX_COUNT) for other in sorted(near)}
    best = max(counts, key=counts.__getitem__, default=None)
    return best if best is not None and counts[best] else None


def _near(word: str) -> Iterator[str]:
    """The words one typing error away: a letter added, left out, changed, or two exchanged."""
    letters = string.ascii_lowercase
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        yield from (head + letter + tail for letter in letters)
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]


@dataclass(frozen=True, slots=True)
class Unknown:
    """An unknown word of a query, and the word that may be meant by it."""

    word: str
    meant: str | None = None
