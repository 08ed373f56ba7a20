"""Negations in plain English: "a beach without people", "a dog but no cat", "dog NOT snow".

An embedding hardly notices a "without": what is not wanted is found first. So its noun phrase is
taken out of the words, and subtracted. What is not meant so stays: "a no smoking sign".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from search.query.tokens import Token

_OPERATOR = "NOT"
_CUES = tuple(
    tuple(cue.split())
    for cue in (
        "except for", "apart from", "aside from", "other than", "rather than", "instead of",
        "free of", "without", "w/o", "except", "excluding", "minus", "lacking", "no", "not",
        "isn't", "aren't", "wasn't", "weren't", "doesn't", "don't", "didn't", "hasn't", "haven't",
    )
)  # fmt: skip
_FIRST = frozenset(cue[0] for cue in _CUES)
LONGEST = 16  # words of a run; longer ones describe a picture, and a "without" is one detail
_PUNCTUATION = ",.;:!?()\u2026"


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_WEAK = _set("no not don't")  # cues that signs and idioms begin with
_NOTICES = _set("sign signs signpost symbol poster sticker notice zone")
_ALLOWED = _set("allowed permitted")
_FORBIDDEN = _set("admittance crossing entry entrance exit parking photography u-turn")
_IDIOMS = {
    "no": _set("doubt idea longer matter more one problem way"),
    "not": _set("all enough every far long much only quite so too very yet"),
}
_QUANTITIES = _set("one two three four five six seven eight nine ten zero")
_JOINS = _set("and or nor")
_PREPOSITIONS = _set(
    "above across against along around as at before behind below beneath beside between by during "
    "for from in inside into near nearby next on onto outside over through to toward towards under "
    "underneath up upon with"
)
_CLAUSES = _set("are but has have is that was were when where which while who")
_ARTICLES = _set("a an the his her their")
_DETERMINERS = _set(
    "a an any be been being has have having her his its many much my our some that the their there "
    "these this those your"
)
_NOTHING = _set("anything nobody none nothing")
_LEADING = _CLAUSES | _JOINS | _set("did do does having it there wearing with")
_THINGS = _set(  # not what somebody does
    "awning building ceiling clothing crossing drawing evening fencing lighting lightning morning "
    "painting parking paving railing scaffolding seating sling spring string swing thing wedding "
    "writing"
)


@dataclass(frozen=True, slots=True)
class Parted:
    """The words of a run that stay, and the groups of words that negations take out of it."""

    kept: tuple[Token, ...]
    taken: tuple[tuple[Token, ...], ...] = ()


def parted(words: Sequence[Token]) -> Parted:
    """The words of a positive run, parted at its negations."""
    bare = _bare(words)
    kept: list[int] = []
    taken: list[tuple[Token, ...]] = []
    place = 0
    while place < len(words):
        length = _cue(bare, place)
        start = _after(bare, place + length, _DETERMINERS | _PREPOSITIONS)
        end = _end(words, bare, start) if length else start
        if end == start or _is_saying(words, bare, place, slice(start, end)):
            kept.append(place)
            place += 1
            continue
        while kept and bare[kept[-1]] in _LEADING:
            kept.pop()
        taken += _groups(words[start:end], bare[start:end])
        place = _after_all(bare, end)
    if taken and kept and kept[0]:
        first = _after([bare[one] for one in kept] + [""], 0, _PREPOSITIONS | _CLAUSES | _JOINS)
        kept = kept[first:]
    if taken and not any(bare[one] or _is_whole(words[one]) for one in kept):
        kept = []  # punctuation alone
    closed = [one for one, later in pairwise([*kept, len(words)]) if later > one + 1]
    return Parted(
        tuple(_bared(words[one]) if one in closed else words[one] for one in kept), tuple(taken)
    )


def has_operator(words: Sequence[Token]) -> bool:
    """Whether a "NOT" in capitals stands among the words."""
    return any(_is_operator(words, place) for place in range(len(words)))


def _is_operator(words: Sequence[Token], place: int) -> bool:
    """Whether a word is "NOT", and not among others in capitals, as in "DO NOT ENTER"."""
    if words[place].text != _OPERATOR or words[place].phrase:
        return False
    beside = [one.text for one in words[max(0, place - 1) : place + 2]]
    return len(beside) < 3 or beside != [text.upper() for text in beside]


def _is_whole(token: Token) -> bool:
    """Whether nothing in a token means anything but itself."""
    return token.phrase or token.picture


def _bare(words: Sequence[Token]) -> list[str]:
    """The words in lower case without punctuation; empty for phrases, pictures, and at the end."""
    texts = ("" if _is_whole(one) else one.text for one in words)
    plain = (text.lower().replace("\u2019", "'").strip(_PUNCTUATION) for text in texts)
    return [*plain, "", ""]


def _cue(bare: Sequence[str], place: int) -> int:
    """The number of words of the cue at a place; 0 if there is none."""
    if bare[place] not in _FIRST:
        return 0
    return next((len(cue) for cue in _CUES if cue == tuple(bare[place : place + len(cue)])), 0)


def _after(bare: Sequence[str], place: int, skipped: frozenset[str]) -> int:
    while bare[place] in skipped:
        place += 1
    return place


def _end(words: Sequence[Token], bare: Sequence[str], start: int) -> int:
    """The end of the noun phrases, joined by "and", "or" or commas, that begin at a place."""
    place = start
    while place < len(words) and not _cue(bare, place) and not _ends_before(bare, start, place):
        place += 1
        closed = words[place - 1].text[-1:]
        if closed in _PUNCTUATION and not (closed == "," and _is_listed(bare, place)):
            break
    while place > start and bare[place - 1] in _JOINS:
        place -= 1
    return place


def _ends_before(bare: Sequence[str], start: int, place: int) -> bool:
    """Whether the noun phrase that begins at `start` ends before a place."""
    if place == start:
        return False
    before, word, following = bare[place - 1 : place + 2]
    if word in _JOINS:
        return following in _PREPOSITIONS
    if word in _PREPOSITIONS:  # "not looking at the camera" goes on
        return not _is_doing(before)
    if word in _CLAUSES:
        return True
    doing = _is_doing(word) or (following in _ARTICLES and not _is_doing(before))
    return doing and before not in _JOINS  # "a hat walking", "a hat rides a bike"


def _is_doing(word: str) -> bool:
    """Whether a word says what somebody does, as "walking"."""
    return word.endswith("ing") and len(word) > 4 and word not in _THINGS


def _is_listed(bare: Sequence[str], place: int) -> bool:
    """Whether a comma before a place is one of a list, as in "people, cars or dogs"."""
    end = next(
        (one for one in range(place, len(bare)) if bare[one] in _PREPOSITIONS | _CLAUSES), None
    )
    return not {"or", "nor"}.isdisjoint(bare[place:end])


def _is_saying(words: Sequence[Token], bare: Sequence[str], cue: int, phrase: slice) -> bool:
    """Whether the words from a cue on say something else: "no entry", "not only", "minus 5"."""
    before, word, following = bare[cue - 1], bare[cue], bare[cue + 1]
    if word in ("no", "minus") and (following[:1].isdecimal() or following in _QUANTITIES):
        return True
    if word not in _WEAK:
        return before in _NOTHING  # "nothing except sand"
    if _is_operator(words, cue):
        return False
    of_phrase = {*bare[phrase]}
    if following in _IDIOMS.get(word, ()) or of_phrase & _ALLOWED:
        return True
    if len(of_phrase) > 1 and of_phrase & _NOTICES:
        return True
    if word == "no" and before not in _LEADING:  # "a wall that says no parking"
        return _is_doing(following) or following in _FORBIDDEN
    return before == "or"  # "to be or not to be"


def _groups(phrase: Sequence[Token], bare: Sequence[str]) -> list[tuple[Token, ...]]:
    """The noun phrases of a list, each without determiners before it and punctuation."""
    groups: list[list[Token]] = [[]]
    for token, word in zip(phrase, bare, strict=True):
        leading = not groups[-1] and word in _DETERMINERS
        if (word or token.phrase) and word not in _JOINS and not leading:
            groups[-1].append(_bared(token))
        if word in _JOINS or (token.text.endswith(",") and not token.phrase):
            groups.append([])
    return [tuple(group) for group in groups if group]


def _bared(token: Token) -> Token:
    """A token without punctuation around it."""
    if _is_whole(token):
        return token
    return replace(token, text=token.text.strip(_PUNCTUATION) or token.text)


def _after_all(bare: Sequence[str], place: int) -> int:
    """The place after "at all", or the "on" of "no shirt on", which belong to a negation."""
    word, following = bare[place], bare[place + 1]
    if (word, following) == ("at", "all"):
        return place + 2
    alone = not following or following in _CLAUSES or _is_doing(following)
    return place + 1 if word == "on" and alone else place
