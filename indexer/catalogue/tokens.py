"""Tokens: the words of captions and file names, written so that their parts are found too.

The tokenizer of SQLite's full-text search splits text at everything but letters and digits. Words
that it leaves whole, such as "IMG2041" or "AnnaAtTheSea", are indexed with their parts.
"""

from __future__ import annotations

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_PIECE = re.compile(r"\d+|[^\W\d_]+")
_CAPITAL = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")
_WRITTEN_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS"}
    | {"æ": "ae", "œ": "oe", "ø": "oe", "å": "aa", "Æ": "Ae", "Œ": "Oe", "Ø": "Oe", "Å": "Aa"}
)
_MOST_PIECES = 4  # a word with more changes between letters and digits is a checksum


def plain(text: str) -> str:
    """A text as it is searched: composed letters, no unprintable characters."""
    return "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))


def spread(text: str) -> str:
    """A text, followed by the pieces of its compound words."""
    text = plain(text)
    return " ".join([text, *(piece for word in WORD.findall(text) for piece in _more(word))])


def forms(word: str) -> tuple[str, ...]:
    """The forms in which a query word may occur in a text: as it is, and in pieces.

    Each is a sequence of tokens: "IMG_2041" is found in "img2041.jpg" too. Empty if the word has
    neither letters nor digits.
    """
    word = plain(word)
    tokens = WORD.findall(word)
    parted = " ".join(piece for token in tokens for piece in _pieces(token) or [token])
    return tuple(dict.fromkeys([word, parted, written_out(word)])) if tokens else ()


def written_out(word: str) -> str:
    """A word with two letters for each that an English keyboard lacks: "Muenchen" for "München"."""
    return word.translate(_WRITTEN_OUT)


def _more(word: str) -> list[str]:
    """The pieces of a word, the parts of a date, numbers without leading zeros, umlauts as "ue"."""
    date = _DATE.fullmatch(word)
    pieces = list(date.groups()) if date else _pieces(word)
    plainer = [written_out(piece) for piece in [word, *pieces] if piece != written_out(piece)]
    numbers = [piece for piece in pieces or [word] if piece[0] == "0" and piece.isdecimal()]
    return pieces + plainer + [number.lstrip("0") for number in numbers if number.strip("0")]


def _pieces(word: str) -> list[str]:
    """The parts of a word: letters, digits, and words that start with a capital inside it."""
    found = [piece for part in _PIECE.findall(word) for piece in _CAPITAL.split(part)]
    return found if 1 < len(found) <= _MOST_PIECES else []
