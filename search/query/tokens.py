"""Tokens of a query: words, phrases in double quotes, pictures and signs, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.errors import PlacedError
from indexer.kinds.members import is_member
from indexer.pictures.formats import SUFFIXES

STDIN = "@-"
OR = "OR"
MAX_WEIGHT = 1_000_000  # far larger weights would overflow when summed up
SIGNS = ("+", "-")
_SIGNS = {"+": "+", "-": "-", "\uff0b": "+"} | dict.fromkeys("\u2212\u2013\ufe63\uff0d", "-")
_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\uff02", '"'))
_PIECE = re.compile(r'(?:[^\s"]|"[^"]*")+(?=\s|$)|\S+')  # a lone quote is a letter: 5" pipe
_WEIGHT = re.compile(r"(\d+(?:\.\d+)?|\.\d+):(?!\d)(.*)", re.DOTALL)  # "10:30" is a time
_NUMBER = re.compile(r"\.?\d+(?:[.,:/]\d+)*[^\w\s:]{0,2}[a-z]{0,2}", re.IGNORECASE)  # "5°C"
URLS = ("http://", "https://")
PLACES = ("./", "../", "/", "~")  # beginnings of what is a path and no name


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a phrase or a picture of a query, or a sign that stands alone, which has no `text`.

    `typed` is the token as it stands at `place` in the line of all words. `sign`: '+' or '-', which
    is glued to it. `phrase`: in double quotes, so its words are taken as they are.
    """

    text: str
    typed: str
    place: int
    sign: str = ""
    weight: float | None = None
    phrase: bool = False
    picture: bool = False

    @property
    def lone_sign(self) -> bool:
        """Whether this is a sign with spaces around it."""
        alone = len(self.typed) == 1 or self.typed == OR
        return alone and bool(self.sign) and not self.text and self.weight is None

    @property
    def number(self) -> bool:
        """Whether this is a number with a sign before it, such as "-5"."""
        return self.text[:1] in _SIGNS and _NUMBER.fullmatch(self.text[1:]) is not None


def tokens_of(words: Sequence[str] | str, *, files: bool = True) -> tuple[str, list[Token]]:
    """The line of all words, and its tokens.

    A list is that of a command line, where spaces inside a word were in the shell's quotes: they
    may be part of a path, or of a phrase with a sign before it. `files`: whether words may name
    files; URLs are pictures in any case. Raises `PlacedError`.
    """
    several = [words] if isinstance(words, str) else words
    line = " ".join(several)
    found: list[Token] = []
    place = 0
    for word in several:
        whole = _whole(word, line, place, files=files, among=len(several) > 1)
        found += [whole] if whole else _pieces(word, line, place, files=files)
        place += len(word) + 1
    between = range(1, len(found) - 1)
    return line, [_either(one) if n in between else one for n, one in enumerate(found)]


def _either(token: Token) -> Token:
    """The token; an "OR" in capitals becomes the sign that adds."""
    return replace(token, text="", sign="+") if token.text == OR and not token.phrase else token


def is_picture(word: str) -> bool:
    """Whether a word of a query is a path or URL of a picture, or stands for standard input."""
    return word == STDIN or word.startswith((*PLACES, *URLS)) or ("." in word and _has_suffix(word))


def _whole(word: str, line: str, place: int, *, files: bool, among: bool) -> Token | None:
    """A word with spaces that is one token: a path, or a phrase glued to its sign."""
    if not files or len(word.split()) < 2 or '"' in word.translate(_QUOTES):
        return None
    indent = len(word) - len(word.lstrip())
    sign = _SIGNS.get(word[:1], "") if not word[1].isspace() else ""
    weight, text = _weighed(word[len(sign) :], word, line, place)
    if is_picture(text) and (_is_file(text) or (_has_suffix(text) and not _is_signed(text))):
        return Token(text, word, place + indent, sign, weight, picture=True)
    return Token(text, word, place, sign, weight, phrase=True) if sign and among else None


def _has_suffix(text: str) -> bool:
    return Path(text).suffix.lower() in SUFFIXES


def _is_signed(text: str) -> bool:
    return any(piece[0] in _SIGNS for piece in text.split())


def _is_file(name: str) -> bool:
    try:
        path = Path(name).expanduser()
        return path.is_file() or is_member(path)
    except (OSError, ValueError, RuntimeError):  # such as a home directory of nobody
        return False


def _pieces(text: str, line: str, start: int, *, files: bool) -> Iterator[Token]:
    for matched in _PIECE.finditer(text.translate(_QUOTES)):
        token = _token(matched[0], line, start + matched.start(), files=files)
        if token is not None:
            yield token


def _token(typed: str, line: str, place: int, *, files: bool) -> Token | None:
    """The token of a piece without spaces outside of quotes; None for empty quotes."""
    sign = _sign(typed, line, place)
    if sign and len(typed) == 1:
        return Token("", typed, place, sign)
    weight, text = _weighed(typed[len(sign) :], typed, line, place)
    phrase = '"' in text and text.count('"') % 2 == 0
    text = " ".join(text.replace('"', "").split()) if phrase else text
    if phrase and not text and not sign and weight is None:
        return None
    picture = not phrase and (is_picture(text) if files else text.startswith(URLS))
    return Token(text, typed, place, sign, weight, phrase, picture)


def _sign(typed: str, line: str, place: int) -> str:
    """The sign before a piece, or that it is; none before a number, or in "C++", "--" and "->"."""
    rest = typed[1:]
    if typed[0] not in _SIGNS or (rest and not any(c.isalnum() for c in rest)):
        return ""
    if rest[:1] in _SIGNS:
        problem = f"{typed!r}: put one sign before a term, as in '{typed[0]}{rest[1:]}'"
        raise PlacedError(problem, line, place)
    return "" if _NUMBER.fullmatch(rest) else _SIGNS[typed[0]]


def _weighed(text: str, typed: str, line: str, place: int) -> tuple[float | None, str]:
    """The weight before a text, None without one, and the text."""
    matched = _WEIGHT.fullmatch(text)
    if matched is None:
        return None, text
    if float(matched[1]) > MAX_WEIGHT:
        problem = f"{typed!r}: the weight exceeds {MAX_WEIGHT:,}; give a smaller one"
        raise PlacedError(problem, line, place)
    return float(matched[1]), matched[2]
