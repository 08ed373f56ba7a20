"""Terms: words and pictures with weights, added and subtracted, make up a query."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from indexer.errors import PlacedError, QueryError
from search.query.examples import Example
from search.query.negations import LONGEST, Parted, has_operator, parted
from search.query.tokens import SIGNS, Token, tokens_of

_EMPTY = "an empty query: give words, a picture, or both"


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query: words, or a picture as path, URL, bytes or `Example`.

    A negative `weight` subtracts it: pictures that match it score lower. `literal` words are taken
    as they are. `english` is what an encoder reads in their place if they are in another language.
    """

    text: str = ""
    picture: str | bytes | Example | None = None
    weight: float = 1.0
    literal: bool = field(default=False, compare=False)
    english: str | None = field(default=None, compare=False)

    @property
    def read(self) -> str:
        """The text as an encoder reads it."""
        return self.text if self.english is None else self.english


@dataclass(frozen=True, slots=True)
class Reading:
    """The way in which words of a query were read, where another one was possible.

    `said` was read as `meant`, which is written in the grammar of queries; None if the words were
    taken as they are, and `instead` is how to write the other meaning. `language`: that of what was
    said, if it was read in English.
    """

    said: str
    meant: str | None = None
    instead: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Terms, and the weight of the picture against its caption.

    `weight`: 1 ranks by the picture alone, 0 by its caption alone; None uses that of the library.
    `readings` say how words were read that could have meant something else. `str(query)` writes the
    terms in the grammar of `parse`, without pictures that are given as bytes.
    """

    terms: tuple[Term, ...]
    weight: float | None = None
    readings: tuple[Reading, ...] = ()

    @classmethod
    def parse(
        cls,
        words: Sequence[str] | str,
        *,
        weight: float | None = None,
        picture: bytes | None = None,
        literal: bool = False,
        files: bool = True,
    ) -> Query:
        """The query of command-line words or of a typed line, as in `golden retriever -puppy`.

        `+` and `-` alone add or subtract all words up to the next one; before a word or a phrase in
        double quotes, only that. "without", "no", "not" and "NOT" subtract a noun phrase. `N:`
        weighs a term. Words that name a picture are one. `literal`: all words are one text as it
        is. `files`: whether words may name files. The bytes of a `picture` are one more term.
        Raises `QueryError`.
        """
        if literal:
            text = words if isinstance(words, str) else " ".join(words)
            return cls.of(" ".join(text.split()), picture, weight=weight, literal=True)
        line, tokens = tokens_of(words, files=files)
        if not tokens:
            raise QueryError(_EMPTY)
        beside = () if picture is None else (Term(picture=picture),)
        terms, followed = _terms(tokens, line, beside)
        readings = _as_words(tokens, line, terms)
        if followed or _is_unusual(tokens, words):
            readings = [Reading(" ".join(line.split()), str(cls(terms))), *readings]
        return cls((*terms, *beside), weight, tuple(readings))

    @classmethod
    def of(
        cls,
        text: str = "",
        picture: str | bytes | Path | None = None,
        *,
        weight: float | None = None,
        literal: bool = False,
    ) -> Query:
        """A query of words, of a picture (path, URL or its bytes), or of both.

        `literal`: words are not read in another language.
        """
        picture = str(picture) if isinstance(picture, Path) else picture
        terms = [Term(text=text.strip(), literal=literal)] if text.strip() else []
        terms += [] if picture is None else [Term(picture=picture)]
        if not terms:
            raise QueryError(_EMPTY)
        return cls(tuple(terms), weight)

    @property
    def as_read(self) -> Query:
        """The query with the texts that an encoder reads."""
        return replace(self, terms=tuple(replace(term, text=term.read) for term in self.terms))

    def __str__(self) -> str:
        written = [(term.weight < 0, _written(term)) for term in self.terms]
        line = " ".join(f"{'-' if less else '+'} {text}" for less, text in written if text)
        return line.removeprefix("+ ")


def as_query(query: Query | str) -> Query:
    """The query itself, or the query of the words of a text. Raises `QueryError` for no words."""
    return Query.of(query) if isinstance(query, str) else query


@dataclass(frozen=True, slots=True)
class _Run:
    """The tokens between two signs that stand alone; those with a sign of their own are apart."""

    sign: Token | None
    words: tuple[Token, ...]
    glued: tuple[Token, ...]

    @property
    def positive(self) -> bool:
        return self.sign is None or self.sign.sign == "+"


def _terms(
    tokens: Sequence[Token], line: str, beside: Sequence[Term]
) -> tuple[tuple[Term, ...], bool]:
    """The terms of a query, and whether a negation in words was followed.

    If nothing else is searched for, "no people" is a text. Raises `PlacedError`.
    """
    runs = _runs(tokens, line)
    for natural in (True, False):
        words = [_parted(run, natural=natural) for run in runs]
        terms = [
            term
            for run, part in zip(runs, words, strict=True)
            for term in _terms_of(run, part, line)
        ]
        followed = any(part.taken for part in words)
        searched = any(term.weight > 0 for term in (*terms, *beside))
        if searched or has_operator(tokens):
            break
    if not searched:
        problem = "the query only subtracts; put something to search for before the '-'"
        if all(term.weight == 0 for term in terms):
            problem = "the query only subtracts or weighs 0; give a term a weight above 0"
        raise PlacedError(problem, line, tokens[0].place)
    return tuple(terms), followed


def _runs(tokens: Sequence[Token], line: str) -> list[_Run]:
    """The tokens, parted at the signs that stand alone. Raises `PlacedError` for a missing term."""
    runs: list[_Run] = []
    sign: Token | None = None
    run: list[Token] = []
    for token in [*tokens, None]:
        if token is not None and not token.lone_sign:
            run.append(token)
            continue
        words = tuple(one for one in run if not one.sign)
        if words or (run and sign is None):
            runs.append(_Run(sign, words, tuple(one for one in run if one.sign)))
        elif token is None or sign is not None or runs or token.sign == "+":
            at_end = token is None or run
            where = "at the end" if at_end else f"before {token.typed!r}" if token else ""
            problem = f"a term is missing {where}; '+' and '-' go between terms"
            raise PlacedError(problem, line, token.place if token else len(line))
        sign, run = token, []
    return runs


def _parted(run: _Run, *, natural: bool) -> Parted:
    """The words of a run, parted at the negations in it if these are followed."""
    followed = natural and run.positive and len(run.words) <= LONGEST
    return parted(run.words) if followed else Parted(run.words)


def _terms_of(run: _Run, words: Parted, line: str) -> list[Term]:
    """The terms of a run: its words are one, each picture and each glued word is one of its own."""
    sign = 1.0 if run.positive else -1.0
    texts = [token for token in words.kept if not token.picture]
    pictures = [token for token in words.kept if token.picture]
    terms = [_term(texts, sign, line)] if texts else []
    terms += [_term([token], sign, line) for token in pictures]
    terms += [_term([token], -1.0 if token.sign == "-" else 1.0, line) for token in run.glued]
    return terms + [_term(phrase, -1.0, line) for phrase in words.taken]


def _term(tokens: Sequence[Token], sign: float, line: str) -> Term:
    """The term of tokens, with the weight of the first. Raises `PlacedError` if it has no words."""
    first, *others = tokens
    weight = sign * (1.0 if first.weight is None else first.weight)
    if first.picture:
        return Term(picture=first.text, weight=weight)
    later = (one.text if one.weight is None else one.typed.replace('"', "") for one in others)
    text = " ".join(" ".join([first.text, *later]).split())
    if not text:
        problem = "a term has no words; give words, a picture, or both"
        raise PlacedError(problem, line, tokens[-1].place + len(tokens[-1].typed))
    return Term(text=text, weight=weight, literal=all(token.phrase for token in tokens))


def _is_unusual(tokens: Sequence[Token], words: Sequence[str] | str) -> bool:
    """Whether a sign is none of the keyboard's, or stood alone within an argument in quotes."""
    arguments = [token.typed for token in tokens] if isinstance(words, str) else words
    return any(
        token.sign
        and (token.typed[0] not in SIGNS or (token.lone_sign and token.typed not in arguments))
        for token in tokens
    )


def _as_words(tokens: Sequence[Token], line: str, terms: Iterable[Term]) -> list[Reading]:
    """The readings of what was taken as words, though it could be subtracted."""
    numbers = [token.text for token in tokens[1:] if token.number]
    found = [Reading(number, None, f"- {number[1:]}") for number in numbers]
    if all(term.weight >= 0 for term in terms):
        without = [_term(phrase, 1.0, line) for phrase in parted(tokens).taken]
        instead = " ".join(f"- {term.text}" for term in without)
        found += [Reading(" ".join(line.split()), None, instead)] if without else []
    return found


def _written(term: Term) -> str:
    """A term in the grammar, without its sign; empty for bytes. Ambiguous words are quoted."""
    factor = abs(term.weight)
    weight = "" if factor == 1 else f"{factor:g}:"
    if term.picture is not None:
        return f"{weight}{term.picture}" if isinstance(term.picture, str) else ""
    text = term.text.replace('"', "")
    plain = f"{weight}{text}"
    return plain if _means(plain, Term(text, weight=factor)) else f'{weight}"{text}"'


def _means(written: str, term: Term) -> bool:
    """Whether a text in the grammar means a term and nothing else."""
    try:
        tokens = tokens_of(written)
        return _terms(tokens[1], tokens[0], ()) == ((term,), False)
    except QueryError:
        return False
