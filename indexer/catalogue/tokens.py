"""Tokens: the words of captions and names of files, written so that they are found by their parts.

The tokenizer of SQLite's full-text search parts words at everything that is neither letter nor
digit. What it leaves together, "IMG2041" or "AnnaAtTheSea", is written down in its parts too.
"""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_PIECE = re.compile(r"\d+|[^\W\d_]+")
_CAPITAL = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")
_MOST_PIECES = 4  # what changes between letters and digits more often is a checksum


def plain(text: str) -> str:
    """A text as it is searched: composed letters, nothing that cannot be printed."""
    return "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))


def spread(text: str) -> str:
    """A text, and behind it the pieces of those of its words that have any."""
    text = plain(text)
    return " ".join([text, *(piece for word in WORD.findall(text) for piece in _more(word))])


def forms(word: str) -> tuple[str, ...]:
    """Forms of a query word that may stand in a text: whole, or in pieces. Empty if it is no word.

    Each is a run of tokens that follow each other: "IMG_2041" is found in "img2041.jpg" too.
    """
    word = plain(word)
    tokens = WORD.findall(word)
    parted = " ".join(piece for token in tokens for piece in _pieces(token) or [token])
    return tuple(dict.fromkeys([word, parted])) if tokens else ()


def _more(word: str) -> list[str]:
    """The pieces of a word, the parts of a date, and numbers without the zeros before them."""
    date = _DATE.fullmatch(word)
    pieces = list(date.groups()) if date else _pieces(word)
    numbers = [piece for piece in pieces or [word] if piece[0] == "0" and piece.isdecimal()]
    return pieces + [number.lstrip("0") for number in numbers if number.strip("0")]


def _pieces(word: str) -> list[str]:
    """Pieces of a word: letters, digits, and parts that begin with a capital."""
    found = [piece for part in _PIECE.findall(word) for piece in _CAPITAL.split(part)]
    return found if 1 < len(found) <= _MOST_PIECES else []
