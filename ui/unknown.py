"""The message about unknown words, for the command line and the app."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.hits import Unknown


def said_of(unknown: Sequence[Unknown]) -> str:
    """A message that names the unknown words, with suggestions; or that there are no words."""
    if not unknown:
        return "the query has no words"
    words = [
        f"'{one.word}'" + (f" (did you mean '{one.meant}'?)" if one.meant else "")
        for one in unknown
    ]
    return f"unknown {'word' if len(words) == 1 else 'words'} {', '.join(words)}"
