"""Writing: whether a query writes a word as a name is written, with a capital."""

from __future__ import annotations

from enum import Enum

from indexer.catalogue.tokens import forms, plain
from search.words.query_words import FILLERS, split_words

_POSSESSIVE = ("'s", "’s", "'", "’")
_ENDS = (".", "!", "?", ":")  # signs after which a capital tells nothing
# No adjective ends a text after one of these.
_PLACE = frozenset({"in", "at", "from", "to", "near", "around"})


class Writing(Enum):
    """The writing of a word in a query: as a name, with the capital of a beginning, or small.

    A small word that is the whole query, or stands where a place would ("a day in nice"), is alone.
    """

    NAME = "name"
    BEGINNING = "beginning"
    ALONE = "alone"
    SMALL = "small"


def written_words(text: str) -> list[tuple[str, Writing]]:
    """The words of a text except fillers, each with its writing; "John's" becomes "John".

    Where a filler has a capital too ("A Dog On The Beach"), or all letters are capitals, capitals
    tell nothing: such words count as small.
    """
    words = split_words(plain(text))
    fillers = [word for word in words[1:] if word.lower() in FILLERS and word != "I"]
    titled = text.isupper() or any(word[0].isupper() for word in fillers)
    begins = [True, *(word.endswith(_ENDS) for word in words)]
    written = [
        (bare, Writing.SMALL if titled else _writing(bare, begins=first))
        for bare, first in zip(map(_bare, words), begins, strict=False)
        if forms(bare) and bare.lower() not in FILLERS
    ]
    if written and (len(written) == 1 or words[-2].lower() in _PLACE):
        word, writing = written[-1]
        written[-1] = word, Writing.ALONE if writing is Writing.SMALL else writing
    return written


def may_be_written_as_name(word: str) -> bool:
    """Whether a word may be a name for its capital: two letters or more, and nothing else."""
    return len(word) > 1 and word.isalpha()


def _bare(word: str) -> str:
    word = word.strip('"“”„«»()[],;.!?:')
    return next((word.removesuffix(end) for end in _POSSESSIVE if word.endswith(end)), word)


def _writing(word: str, *, begins: bool) -> Writing:
    if not word[0].isupper():
        return Writing.SMALL
    return Writing.BEGINNING if begins else Writing.NAME
