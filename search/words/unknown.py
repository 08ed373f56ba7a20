"""Unknown words: letters that no picture's caption, name or tag has, and no list of words.

An embedding answers "asdkjh" as it answers any text, and nothing in its scores tells that it means
nothing. Only a model that speaks English alone is judged by lists of English words: what others
know is not known here.
"""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from indexer.catalogue.lookup.words import WordLookup
from indexer.catalogue.tokens import WORD, forms
from indexer.confidence.calibration import shipped
from indexer.embedding import same_space
from indexer.library.library import Library
from search.query.terms import Query
from search.words.query_words import QueryWords
from search.words.vocabulary import FILE as VOCABULARY
from search.words.vocabulary import SHORTEST, is_described, roots

FILE = Path(__file__).with_name("known.txt")  # names and rarer words (benchmarks/vocabulary.py)
_ENOUGH = 1000  # pictures with a word: more tell nothing more of what was meant


def unknown_words(library: Library, query: Query) -> tuple[Unknown, ...]:
    """The words of a query that nothing knows, also of terms that are taken away, in their order.

    None where the library's encoder is not the built-in one, which knows English alone.
    """
    if not is_english(library.settings.fingerprint):
        return ()
    wording = QueryWords.of(query)
    words = dict.fromkeys([*wording.words, *(word for term in wording.without for word in term)])
    return tuple(
        Unknown(word, _meant(library.words, word))
        for word in words
        if not is_known(word) and not library.words.having(word, 1)
    )


def is_english(fingerprint: str) -> bool:
    """Whether an encoder is the built-in one, of whatever precision."""
    return same_space(fingerprint, shipped()["encoder"])


def asks_nothing(query: Query, unknown: Iterable[Unknown]) -> bool:
    """Whether all that a query looks for are unknown words, or signs without any word."""
    wanted = [term for term in query.terms if term.weight > 0]
    pictured = any(term.picture is not None for term in wanted)
    words = QueryWords.of(query).words
    return bool(wanted) and not pictured and {*words} <= {one.word for one in unknown}


def is_known(word: str) -> bool:
    """Whether a word is on a list, or is none of letters that could be looked up there.

    Of one with several parts ("x-ray") one is enough; so are two words written as one ("halfpipe").
    Numbers, and words of a letter or two, are never unknown.
    """
    parts = [part for form in forms(word) for part in WORD.findall(_bare(form))]
    if any(c.isdecimal() for part in parts for c in part):
        return True
    long = [part for part in parts if len(part) >= SHORTEST]
    return not long or any(_is_listed(part) or _is_compound(part) for part in long)


def _bare(word: str) -> str:
    """A word in small letters without accents, as the lists have theirs."""
    parted = unicodedata.normalize("NFD", word.lower())
    return "".join(c for c in parted if not unicodedata.combining(c))


def _is_listed(part: str) -> bool:
    return is_described(part) or any(root in _listed() for root in roots(part))


def _is_compound(part: str) -> bool:
    ends = range(SHORTEST, len(part) - SHORTEST + 1)
    return any(is_described(part[:end]) and is_described(part[end:]) for end in ends)


@cache
def _listed() -> frozenset[str]:
    """All listed words."""
    texts = (file.read_text(encoding="ascii") for file in (VOCABULARY, FILE))
    return frozenset(word for text in texts for word in text.split())


def _meant(lookup: WordLookup, word: str) -> str | None:
    """The known word a slip away from one ("dgo": "dog") that most pictures have; None: no such.

    Of all words so near only the library can tell which was meant.
    """
    near = {slip for slip in _slips(_bare(word)) if any(r in _listed() for r in roots(slip))}
    counts = {slip: len(lookup.having(slip, _ENOUGH)) for slip in sorted(near)}
    best = max(counts, key=counts.__getitem__, default=None)
    return best if best is not None and counts[best] else None


def _slips(word: str) -> Iterator[str]:
    """What a word may have been meant for: a letter left out, added, changed, or two exchanged."""
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
    """A word of a query that nothing knows, and the one that may be meant by it."""

    word: str
    meant: str | None = None
