"""The vocabulary of descriptions: words for what is seen, and those among them that are common.

`benchmarks/vocabulary.py` makes the lists, one word a line and sorted. The long one is searched as
one text: splitting it takes longer than a query.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("vocabulary.txt")
COMMON = Path(__file__).with_name("common.txt")
SHORTEST = 3  # letters of a word that may be a name; shorter words are mostly abbreviations
LONGEST = 40  # letters; no word of a list has more, whatever its endings
_ENDINGS = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ed", ""), ("ed", "e"), ("ied", "y"),
    ("ing", ""), ("ing", "e"), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("est", ""),
    ("ly", ""), ("y", ""), ("ful", ""), ("less", ""),
)  # fmt: skip


def is_described(word: str) -> bool:
    """Whether a lower-case word, or a word that it is an inflection of, occurs in descriptions."""
    return len(word) <= LONGEST and any(is_listed(root) for root in roots(word))


def is_common(word: str) -> bool:
    """Whether captions often have a word, or the word that it is the plural of.

    Words that they mostly write with a capital are not common, except for adjectives such as
    "German": "rose" is in the vocabulary, but no common word.
    """
    word = word.lower()
    singular = (word.removesuffix("s"), word.removesuffix("es"))
    return any(one in _common() or one.capitalize() in _common() for one in (word, *singular))


def describes_with_capital(word: str) -> bool:
    """Whether captions write a common word with a capital too ("Frisbee", "German")."""
    return word.capitalize() in _common()


def roots(word: str) -> list[str]:
    """A word, the words that it may be an inflection of, and those that these may be one of."""
    first = list(stems(word))
    return [word, *first, *(root for stem in first for root in stems(stem))]


def stems(word: str) -> Iterator[str]:
    """The words that a word may be an inflection of: "run" for "runners"."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            stem = word.removesuffix(ending) + instead
            yield stem
            if len(stem) > SHORTEST and stem[-1] == stem[-2]:
                yield stem[:-1]


def is_listed(word: str) -> bool:
    """Whether a lower-case word stands in the list as it is (found by halving)."""
    listed = _listed()
    low, high = 0, len(listed)
    while low < high:
        start = listed.rfind("\n", low, (low + high) // 2) + 1 or low
        end = listed.index("\n", start)
        line = listed[start:end]
        if line == word:
            return True
        low, high = (end + 1, high) if line < word else (low, start)
    return False


@cache
def _common() -> frozenset[str]:
    return frozenset(COMMON.read_text(encoding="ascii").split())


@cache
def _listed() -> str:
    return f"{FILE.read_text(encoding='ascii').strip()}\n"
