"""Sentences that the command line and the browser share, about queries, hits and captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.captions.caption import Guess
    from indexer.catalogue.lookup.captions import RepeatedCaption
    from search.answer.hits import Explanation
    from search.query.terms import Reading, Term
    from search.words.unknown import Unknown


def unknown_words_message(unknown: Sequence[Unknown]) -> str:
    """A message that names the unknown words, or says that there are no words."""
    if not unknown:
        return "the query has no words"
    words = ", ".join(f"'{_short(one.word)}'" for one in unknown)
    return f"unknown {'word' if len(unknown) == 1 else 'words'} {words}"


def reading_message(reading: Reading, otherwise: str) -> str:
    """A message that says how words were read, and how to have them read in the other way."""
    if reading.meant is None:
        instead = _short(reading.instead or "")
        return (
            f"'{_short(reading.said)}' is searched for as words; to subtract, write what to find "
            f"and then: {instead}"
        )
    if reading.language is not None:
        said, meant = _short(reading.said), _short(reading.meant)
        return f"reading '{said}' as {reading.language}: {meant}; {otherwise}"
    if reading.meant == reading.said:
        return f"taking '+' and '-' in '{_short(reading.said)}' as signs; {otherwise}"
    return f"reading '{_short(reading.said)}' as {_short(reading.meant)}; {otherwise}"


def left_out_message(text: str) -> str:
    """A message that quotes the beginning of what the model does not read of a query."""
    said = _short(text, 60)
    return f"the query is too long for the model, which does not read '{said}'; shorten it"


def _short(text: str, most: int = 200) -> str:
    """A text that may be pages long, cut to what a message can quote."""
    return text if len(text) <= most else f"{text[:most]}\u2026"


def unread_message(encoder: str) -> str:
    """A message that an encoder cannot read the script of a query."""
    return f"{encoder} reads English only; searched by words alone"


def counted(pictures: int) -> str:
    """A number of pictures as text: "1 picture", "2,000 pictures"."""
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"


def guess_message(guess: Guess) -> str:
    """A sentence about the caption files of one guessed character set."""
    others = guess.files - 1
    more = f" and {others:,} other file{'s' if others > 1 else ''}" if others else ""
    verb = "were" if others else "was"
    return f"{guess.first.name}{more} {verb} read as {guess.character_set} (guessed)"


def repeated_message(repeated: RepeatedCaption) -> str:
    """A sentence about a probable filler."""
    number, captioned = f"{repeated.pictures:,}", f"{repeated.captioned:,}"
    return f"'{repeated.text}' is a caption of {number} of {captioned} pictures, probably a filler"


def excerpt_line(excerpt: str) -> str:
    """A line that quotes the text in a picture."""
    return f"text in the picture: {excerpt.strip()}"


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
    if explanation.text is not None:
        found.append(f"text in the picture: ranked as {_signed(explanation.text)}")
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
