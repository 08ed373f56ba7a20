"""Tokens: the words of captions and file names, written so that their parts are found too.

The tokenizer of SQLite's full-text search splits text at everything but letters and digits. Words
that it leaves whole, such as "IMG2041" or "AnnaAtTheSea", are indexed with their parts; runs of a
script without spaces, such as "東京タワー", with each sign and each pair of neighbours.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"((?:19|20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_PIECE = re.compile(r"\d+|[^\W\d_]+")
_CAPITAL = re.compile(r"(?<=[a-zà-öø-ÿ])(?=[A-ZÀ-ÖØ-Þ])")
_WRITTEN_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss", "ẞ": "SS"}
    | {"æ": "ae", "œ": "oe", "ø": "oe", "å": "aa", "Æ": "Ae", "Œ": "Oe", "Ø": "Oe", "Å": "Aa"}
)
_MOST_PIECES = 4  # a word with more changes between letters and digits is a checksum
_CAPITAL_MARK, _SMALL_MARK = "ꟿ", "ꟾ"  # letters of no living language, which no stemmer cuts off
_SPACELESS = (  # scripts written without spaces, and Korean, whose endings are glued to words
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece\u0edc-\u0edf"  # Thai and Lao
    "\u1000-\u103f\u1050-\u109f\uaa60-\uaa7f"  # Burmese
    "\u1780-\u17d3\u17d7-\u17dd"  # Khmer
    "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"  # Korean
    "\u3005-\u3007\u3040-\u309f\u30a0-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d"  # Japanese
    "\u3100-\u312f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Chinese
)
SPACELESS = re.compile(f"[{_SPACELESS}]+")
_SIGNS_BESIDE_MARKS = 0xE000  # private letters that stand for marks of Thai, Lao, Burmese and Khmer
_MARKED_SCRIPTS = range(0x0E00, 0x1800)


def plain(text: str) -> str:
    """A text as it is searched: composed letters, no unprintable characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text))


def spread(text: str, *, of_file: bool = False, names: bool = True) -> str:
    """A text, followed by the pieces of its compound words, and its capitalised words as names.

    In the name of a file or folder (`of_file`), words in small letters may be names too. `names`:
    capitals tell names from other words.
    """
    text = plain(text)
    words = WORD.findall(text)
    pieces = [piece for word in words for piece in _more(word)]
    words += pieces
    capitals = [word for word in words if names and word[0].isupper() and _is_letters(word)]
    named = [as_name(word) for word in capitals]
    if of_file:
        named += [as_name(word, small=True) for word in words if _is_small(word)]
    signs = [] if text.isascii() else _parts_of_runs(text)
    return " ".join([text, *pieces, *signs, *dict.fromkeys(named)])


def as_name(word: str, *, small: bool = False) -> str:
    """The token of a word that is written as a name: found by itself alone, not by its stem.

    `small`: in small letters in the name of a file or folder.
    """
    return f"{word.lower()}{_SMALL_MARK if small else _CAPITAL_MARK}"


def forms(word: str) -> tuple[str, ...]:
    """The forms in which a query word may occur in a text: as it is, and in pieces.

    Each is a sequence of tokens: "IMG_2041" is found in "img2041.jpg" too, "東京" in "東京タワー".
    Empty if the word has neither letters nor digits.
    """
    word = plain(word)
    if SPACELESS.fullmatch(word):
        return (" ".join(_pairs(word) or _signs(word)),)
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


def _is_letters(word: str) -> bool:
    return len(word) > 1 and word.isalpha()


def _is_small(word: str) -> bool:
    """Whether a word has letters alone, the first a small one: Chinese signs are neither."""
    return word[0].islower() and _is_letters(word)


def _parts_of_runs(text: str) -> list[str]:
    """The pairs and single signs of each run of a script without spaces."""
    return [token for run in SPACELESS.findall(text) for token in (*_pairs(run), *_signs(run))]


def _pairs(run: str) -> list[str]:
    """The pairs of neighbours in a run of a script without spaces, in their order.

    A longer part of the run is a sequence of them.
    """
    return [left + right for left, right in pairwise(_signs(run))]


def _signs(run: str) -> list[str]:
    """The signs of a run as tokens. The tokenizer would split it at marks: they become letters."""
    return [
        chr(_SIGNS_BESIDE_MARKS + ord(sign) - _MARKED_SCRIPTS.start)
        if ord(sign) in _MARKED_SCRIPTS and not sign.isalnum()
        else sign
        for sign in run
    ]
