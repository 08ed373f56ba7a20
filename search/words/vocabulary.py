"""The vocabulary of descriptions: words that tell what is seen, and are no names.

`benchmarks/vocabulary.py` makes the list. It is searched as it lies in its file, a word a line.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("vocabulary.txt")
SHORTEST = 3  # letters of a word that may be a name; shorter ones are mostly abbreviations
_ENDINGS = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ves", "f"), ("ed", ""), ("ed", "e"), ("ied", "y"),
    ("ing", ""), ("ing", "e"), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("est", ""),
    ("ly", ""), ("y", ""), ("ful", ""), ("less", ""),
)  # fmt: skip


def is_described(word: str) -> bool:
    """Whether a word in small letters, or what it is an inflection of, occurs in descriptions."""
    return any(f"\n{root}\n" in _listed() for root in roots(word))


def roots(word: str) -> list[str]:
    """A word, what it may be an inflection of, and what that may be one of."""
    found = [word, *stems(word)]
    return found + [root for stem in found[1:] for root in stems(stem)]


def stems(word: str) -> Iterator[str]:
    """What a word may be an inflection of: "runners" of "run"."""
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= SHORTEST:
            stem = word.removesuffix(ending) + instead
            yield stem
            if len(stem) > SHORTEST and stem[-1] == stem[-2]:
                yield stem[:-1]


@cache
def _listed() -> str:
    return f"\n{FILE.read_text(encoding='ascii')}\n"
