"""What is said of words that nothing knows, on the command line and in the app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.words.unknown import Unknown


def said_of(unknown: Sequence[Unknown]) -> str:
    """That nothing knows these words, and what may be meant by them; or that there are none."""
    if not unknown:
        return "there is no word to look for"
    words = [f"'{one.word}'{f' ({one.meant}?)' if one.meant else ''}" for one in unknown]
    listed = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    return f"no picture, caption or word list knows {listed}"
