"""Languages: a query in German, French or Czech is read in English by a model that knows no other.

Words in doubt are English, and a query is only read as another language if one of its words cannot
be English. The words of captions, names and text in pictures are searched for as they were typed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from indexer.encoders import Encoder, Lexicon, TranslatingEncoder
from indexer.encoders.lexicon import Meaning, folded, words_of
from search.query.terms import Query, Reading, Term
from search.words.query_words import FILLERS
from search.words.unknown import is_known
from search.words.vocabulary import is_common, is_described, is_listed

# Evidence that tells a language: of a word that descriptions in English have, but rarely; that is
# English or a name; that is unknown.
RARE, NAMED, UNKNOWN = 6, 3, 2
ACCENT = 3  # evidence that a letter with an accent adds
MOST_WORDS = 100  # of a query; no model that reads English alone reads more
ENGLISH = -4  # evidence of an English word that a lexicon lacks


def in_english(query: Query, encoder: Encoder) -> Query:
    """The query with English for its texts in another language, and a reading that says so.

    The query itself if it is English, or in a language that the encoder needs no help with. A
    "without" in it is subtracted, as in an English query.
    """
    lexicons = encoder.lexicons if isinstance(encoder, TranslatingEncoder) else ()
    texts = [term.text for term in query.terms if _is_open(term)]
    lexicon = language_of([word for text in texts for word in words_of(text)], lexicons)
    if lexicon is None:
        return query
    terms = tuple(_translated(term, lexicon) if _is_open(term) else term for term in query.terms)
    read = replace(query, terms=terms)
    if [folded(term.read) for term in terms] == [folded(term.text) for term in query.terms]:
        return query  # "café"
    (first, *others) = terms
    if not others and first.weight == 1:
        parted = Query.parse(first.read, files=False).terms
        read = read if len(parted) == 1 else replace(query, terms=parted)
    reading = Reading(str(query), str(read.as_read), language=lexicon.language)
    return replace(read, readings=(*query.readings, reading))


def language_of(words: Sequence[str], lexicons: Sequence[Lexicon]) -> Lexicon | None:
    """The lexicon of the language of a query; None for English, and for none of them."""
    if len(words) > MOST_WORDS:
        return None
    needed = {word: least for word in words if (least := _least_evidence(word)) is not None}
    found = {lexicon: _total_evidence(words, needed, lexicon) for lexicon in lexicons if needed}
    best = max(found, key=found.__getitem__, default=None)
    return best if best is not None and found[best] > 0 else None


def _least_evidence(word: str) -> int | None:
    """The evidence that a word of another language needs to tell it; None if it may be English."""
    plain = folded(word)
    if not word.isascii():
        return RARE if is_common(plain) else NAMED
    if plain in FILLERS or is_common(plain):
        return None
    if is_known(plain):
        return RARE if is_listed(plain) else NAMED
    return UNKNOWN


def _total_evidence(words: Sequence[str], needed: Mapping[str, int], lexicon: Lexicon) -> int:
    """The evidence for a language in all words; 0 if none tells it, or too few have a meaning."""
    meanings = {word: lexicon.meaning(word) for word in words}
    telling = [
        least
        for word, least in needed.items()
        if (meaning := meanings[word]) and _evidence(word, meaning) >= least
    ]
    if not telling or not _is_covered([*meanings.values()]):
        return 0
    total = sum(_evidence(word, meanings[word]) for word in words)
    return total if total >= min(telling) else 0


def _is_open(term: Term) -> bool:
    """Whether the text of a term may be read in another language."""
    return term.picture is None and not term.literal


def _evidence(word: str, meaning: Meaning | None) -> int:
    if meaning is not None:
        return meaning.evidence + (0 if word.isascii() else ACCENT)
    return ENGLISH if word.lower() in FILLERS or is_described(folded(word)) else 0


def _is_covered(meanings: Sequence[Meaning | None]) -> bool:
    """Whether most words have a meaning, and one of them more than grammar."""
    known = [one.english for one in meanings if one]
    said = any(not FILLERS.issuperset(english.lower().split()) for english in known)
    return said and 2 * len(known) > len(meanings)


def _translated(term: Term, lexicon: Lexicon) -> Term:
    words = ((word, lexicon.meaning(word)) for word in words_of(term.text))
    english = (word if meaning is None else meaning.english for word, meaning in words)
    return replace(term, english=" ".join(filter(None, english)) or None)
