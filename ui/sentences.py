"""Sentences that the command line and the browser share: reasons for hits, unknown words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from search.answer.hits import Explanation
    from search.query.terms import Term
    from search.words.unknown import Unknown


def unknown_words_message(unknown: Sequence[Unknown]) -> str:
    """A message that names the unknown words, with suggestions; or that there are no words."""
    if not unknown:
        return "the query has no words"
    words = [
        f"'{one.word}'" + (f" (did you mean '{one.meant}'?)" if one.meant else "")
        for one in unknown
    ]
    return f"unknown {'word' if len(words) == 1 else 'words'} {', '.join(words)}"


def unread_message(encoder: str) -> str:
    """A message that an encoder cannot read the script of a query."""
    return f"{encoder} reads English only; searched by words alone"


def explanation_lines(explanation: Explanation) -> list[str]:
    """Lines that say what picture and caption, and each of several terms, add to a score."""
    parts = [("picture", explanation.picture)]
    parts += [] if explanation.caption is None else [("caption", explanation.caption)]
    if explanation.exact:
        found = [f"by part: {_sum(parts)}"]
    else:
        found = [", ".join(f"without the {name} {_signed(-share)}" for name, share in parts)]
    taken = explanation.taken_away
    if taken is not None:
        found[0] += f", subtracted terms {_signed(taken)}"
    shares = [(name_of(part.term), part.share) for part in explanation.terms]
    shares += [] if explanation.marks is None else [("marked pictures", explanation.marks)]
    if len(shares) > 1:
        found.append(f"by term: {_sum(shares)}")
    return found


def name_of(term: Term) -> str:
    """A short name for a term: its words, or the name of its picture."""
    if term.picture is None:
        return f'"{term.text}"'
    path = term.picture if isinstance(term.picture, str | bytes) else term.picture.path
    return Path(path).name if isinstance(path, str | Path) else "the picture"


def _sum(parts: list[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {_signed(share)}" for name, share in parts)


def _signed(share: float) -> str:
    return f"{round(share, 3) + 0.0:+.3f}"  # never "-0.000"
