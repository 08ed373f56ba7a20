"""Terms: words and pictures with weights, added and subtracted, make up a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from indexer.errors import PlacedError, QueryError
from indexer.pictures.formats import SUFFIXES
from search.query.examples import Example

STDIN = "@-"
SIGNS = ("+", "-")
MAX_WEIGHT = 1_000_000  # far larger weights would overflow when summed up
PlacedWord = tuple[int, str]  # a word, and its place in the line of all words
_WEIGHT = re.compile(r"(\d+(?:\.\d+)?|\.\d+):(.*)", re.DOTALL)
_PATH_STARTS = ("./", "../", "/", "~", "http://", "https://")


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query: words, or a picture as path, URL, bytes or `Example`.

    A negative `weight` subtracts it: pictures that match it score lower.
    """

    text: str = ""
    picture: str | bytes | Example | None = None
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """Terms, and the weight of the picture against its caption.

    `weight`: 1 ranks by the picture alone, 0 by its caption alone; None uses that of the library.
    """

    terms: tuple[Term, ...]
    weight: float | None = None

    @classmethod
    def parse(
        cls, words: Sequence[str], *, weight: float | None = None, picture: bytes | None = None
    ) -> Query:
        """The query of command-line words, as in `golden retriever + ./pool.jpg - 2:fruit`.

        A string is split at its spaces. `+` and `-` stand alone between terms; `N:` weights a term.
        The bytes of a `picture` are one more term. Raises `QueryError`.
        """
        words = words.split() if isinstance(words, str) else words
        beside = () if picture is None else (Term(picture=picture),)
        return cls((*_parsed(words, beside), *beside), weight)

    @classmethod
    def of(
        cls,
        text: str = "",
        picture: str | bytes | Path | None = None,
        *,
        weight: float | None = None,
    ) -> Query:
        """A query of words, of a picture (path, URL or its bytes), or of both."""
        picture = str(picture) if isinstance(picture, Path) else picture
        terms = [Term(text=text.strip())] if text.strip() else []
        terms += [] if picture is None else [Term(picture=picture)]
        if not terms:
            raise QueryError("an empty query: give words, a picture, or both")
        return cls(tuple(terms), weight)


def as_query(query: Query | str) -> Query:
    """The query itself, or the query of the words of a text. Raises `QueryError` for no words."""
    return Query.of(query) if isinstance(query, str) else query


def _parsed(words: Sequence[str], beside: Sequence[Term]) -> list[Term]:
    terms: list[Term] = []
    run: list[PlacedWord] = []
    sign = 1.0
    line, placed = " ".join(words), _placed(words)
    if not placed:
        raise QueryError("an empty query: give words, a picture, or both")
    for place, word in [*placed, (len(line), "")]:
        if word and word not in SIGNS:
            run.append((place, _checked(word, line, place)))
            continue
        if run:
            terms += _terms(run, sign, line)
        elif not word or terms or word == "+":
            where = f"before {word!r}" if word else "at the end"
            problem = f"a term is missing {where}; '+' and '-' go between terms"
            raise PlacedError(problem, line, place)
        run, sign = [], -1.0 if word == "-" else 1.0
    if all(term.weight <= 0 for term in (*terms, *beside)):
        problem = "the query only subtracts; put something to search for before the '-'"
        if all(term.weight == 0 for term in terms):
            problem = "the query only subtracts or weighs 0; give a term a weight above 0"
        raise PlacedError(problem, line, placed[0][0])
    return terms


def _placed(words: Sequence[str]) -> list[PlacedWord]:
    """The words that are not blank, each with its place in the line of all words."""
    ends = accumulate(len(word) + 1 for word in words)
    return [
        (end - 1 - len(word.lstrip()), word)
        for end, word in zip(ends, words, strict=True)
        if word.strip()
    ]


def _checked(word: str, line: str, place: int) -> str:
    if len(word) > 1 and word[0] in SIGNS and not word[1:].isspace() and " " not in word:
        problem = f"{word!r}: put a space after the sign, as in '{word[0]} {word[1:]}'"
        raise PlacedError(problem, line, place)
    return word


def _terms(run: Sequence[PlacedWord], sign: float, line: str) -> list[Term]:
    """The terms of a run of words: consecutive words are one, each picture is one of its own."""
    terms: list[Term] = []
    texts: list[str] = []
    weight = 1.0
    for place, word in run:
        matched = _WEIGHT.fullmatch(word)
        factor, rest = (float(matched[1]), matched[2]) if matched else (1.0, word)
        if factor > MAX_WEIGHT:
            problem = f"{word!r}: the weight exceeds {MAX_WEIGHT:,}; give a smaller one"
            raise PlacedError(problem, line, place)
        if is_picture(rest):
            terms.append(Term(picture=rest, weight=sign * factor))
        else:
            weight = weight if texts else factor
            texts.append(word if texts else rest)
    text = " ".join(" ".join(texts).split())
    if texts and not text:
        problem = "a term has no words; give words, a picture, or both"
        raise PlacedError(problem, line, run[-1][0] + len(run[-1][1].rstrip()))
    return ([Term(text=text, weight=sign * weight)] if text else []) + terms


def is_picture(word: str) -> bool:
    """Whether a word of a query is a path or URL of a picture, or stands for standard input."""
    return (
        word == STDIN
        or word.startswith(_PATH_STARTS)
        or ("." in word and Path(word).suffix.lower() in SUFFIXES)
    )
