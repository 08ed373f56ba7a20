"""Queries from the words typed into the search box.

The grammar is that of the command line, with `+` and `-` standing alone. One thing differs: a word
that looks like a path is a word, so that nobody can read files of this machine through the box.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate

from indexer.errors import PlacedError
from search import Query, Term

_TOKEN = re.compile(r'(?:[^\s"]|"[^"]*")+(?=\s|$)|\S+')
_WEIGHT = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+):|")
_URLS = ("http://", "https://")


def query_of(text: str, picture: bytes | None = None, *, weight: float) -> Query:
    """Query of typed words and a picture's bytes; either may be missing.

    Raises `QueryError`.
    """
    if not text.strip():
        return Query.of(picture=picture, weight=weight)
    return Query(terms_of(text, picture), weight)


def terms_of(text: str, picture: bytes | None = None) -> tuple[Term, ...]:
    """Terms of typed words and a picture's bytes. Raises `QueryError`.

    An `http(s)` URL among the words is a picture too, and nothing else is.
    """
    tokens = _split(text)
    signed = any(token in ("+", "-") for token in tokens)
    words = [_word(token) if signed else _plain_word(token) for token in tokens]
    try:
        return Query.parse(words, picture=picture).terms
    except PlacedError as error:
        raise PlacedError(error.problem, text, _typed_place(text, words, error.place)) from error


def _typed_place(text: str, words: Sequence[str], place: int) -> int:
    """Start in `text` of the word that is at `place` in the joined words."""
    starts = [matched.start() for matched in _TOKEN.finditer(text)]
    ends = accumulate(len(word) + 1 for word in words)
    return next((s for s, end in zip(starts, ends, strict=True) if place < end - 1), len(text))


def _split(text: str) -> list[str]:
    """Words and phrases in double quotes; an apostrophe or a lone quote is a letter."""
    found = _TOKEN.findall(text)
    return [token.replace('"', "") if token.count('"') % 2 == 0 else token for token in found]


def _word(token: str) -> str:
    """Word of the grammar; it may have a weight (`2:fruit`) but never names a file.

    The added spaces make it a word whatever it looks like, and are not searched for.
    """
    if token in ("+", "-") or _glued(token):
        return token
    factor = _weight(token)
    rest = token.removeprefix(factor)
    return token if rest.startswith(_URLS) else f"{factor} {rest} "


def _plain_word(token: str) -> str:
    """Word of a text without signs: `10:30` is a time, and `-5` a temperature."""
    return token if token.startswith(_URLS) or _glued(token) else f" {token} "


def _glued(token: str) -> bool:
    """Whether a word to subtract lacks its space; the grammar's error says how to write it."""
    return token[0] == "-" and token[1:2].isalpha()


def _weight(token: str) -> str:
    matched = _WEIGHT.match(token)
    return matched[0] if matched else ""
