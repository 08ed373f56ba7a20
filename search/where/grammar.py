"""The grammar of `--where`, and the expressions that it parses into."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedInput

from indexer.errors import PlacedError

# A bare value ends at "and", "or", a parenthesis or the end; anything else is quoted.
GRAMMAR = r"""
?start: either
?either: both (OR both)*
?both: single (AND single)*
?single: NOT single -> negation
       | "(" either ")"
       | FIELD OPERATOR piece+ -> condition
piece: BARE | QUOTED

OR.2: /or(?=[\s("]|$)/i
AND.2: /and(?=[\s("]|$)/i
NOT.2: /not(?=[\s(])/i
FIELD: /[a-z]+/i
OPERATOR: "<=" | ">=" | "!=" | ":" | "=" | "<" | ">"
QUOTED.2: /"(\\.|[^"\\])*"/s
BARE: /[^\s()"]+/
%ignore /\s+/
"""
_EXPECTED = {
    "OPERATOR": "':' or a comparison after the field",
    "BARE": "a value",
    "QUOTED": "a value",
    "RPAR": "')'",
    "AND": "'and'",
    "OR": "'or'",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator value, value`; `text` is the whole value as it was written."""

    field: str
    operator: str
    values: tuple[str, ...]
    text: str
    place: int


@dataclass(frozen=True, slots=True)
class Not:
    """An expression that must not hold."""

    part: Expression


@dataclass(frozen=True, slots=True)
class Both:
    """Expressions that must all hold."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Expressions of which one must hold."""

    parts: tuple[Expression, ...]


Expression: TypeAlias = Condition | Not | Both | Either


def parse(text: str) -> Expression:
    """The expression in a text; `not` binds tighter than `and`, and `and` tighter than `or`.

    Raises `PlacedError` for a text that is no expression.
    """
    torn = re.search("[\ud800-\udfff]", text)
    if torn is not None:
        complain(text, torn.start(), "expected a letter here; this byte is not UTF-8")
    try:
        tree = _parser().parse(text)
    except UnexpectedInput as error:
        complain(text, _place(error, len(text)), _expectation(error))
    expression: Expression = _Expressions(text).transform(tree)
    return expression


def complain(text: str, place: int, problem: str) -> NoReturn:
    """Raise `PlacedError` for a place in the text of `--where`."""
    raise PlacedError(problem, text, place, option="--where")


@functools.cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer="contextual", propagate_positions=True)


def _place(error: UnexpectedInput, end: int) -> int:
    token = getattr(error, "token", None)
    if (isinstance(token, Token) and token.type == "$END") or error.pos_in_stream is None:
        return end
    return max(error.pos_in_stream, 0)


def _expectation(error: UnexpectedInput) -> str:
    names = getattr(error, "accepts", None) or getattr(error, "allowed", None) or set()
    if "FIELD" in names:
        return "begin with what to filter by, as in taken: 2021"
    wanted = sorted({_EXPECTED[name] for name in names if name in _EXPECTED})
    where = " or ".join(wanted) or "something else"
    return f"expected {where} here (put values with special characters in double quotes)"


class _Expressions(Transformer):  # type: ignore[type-arg]
    """Turns parsed parts into expressions."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def piece(self, tokens: list[Token]) -> Token:
        """A word or a quoted text."""
        return tokens[0]

    def condition(self, tokens: list[Token]) -> Condition:
        """A field with its operator and values."""
        field, operator, *pieces = tokens
        start, end = pieces[0].start_pos or 0, pieces[-1].end_pos or 0
        return Condition(
            field.lower(),
            str(operator),
            tuple(_values(pieces)),
            self._text[start:end],
            field.start_pos or 0,
        )

    def negation(self, parts: list[Expression | Token]) -> Not:
        """`not …`"""
        return Not(_expressions(parts)[0])

    def both(self, parts: list[Expression | Token]) -> Both:
        """`… and …`"""
        return Both(_expressions(parts))

    def either(self, parts: list[Expression | Token]) -> Either:
        """`… or …`"""
        return Either(_expressions(parts))


def _expressions(parts: list[Expression | Token]) -> tuple[Expression, ...]:
    """The parts without the words between them."""
    return tuple(part for part in parts if not isinstance(part, Token))


def _values(pieces: list[Token]) -> Iterator[str]:
    """The values between commas; a comma within quotes belongs to its value."""
    words: list[str] = []
    for piece in pieces:
        if piece.type == "QUOTED":
            words.append(_unquoted(piece))
            continue
        first, *others = piece.split(",")
        words.append(first)
        for other in others:
            yield " ".join(" ".join(words).split())
            words = [other]
    yield " ".join(" ".join(words).split())


def _unquoted(piece: str) -> str:
    """A quoted text without its quotes; a backslash keeps the next character."""
    characters = iter(piece[1:-1])
    return "".join(next(characters, "") if c == "\\" else c for c in characters)
