"""Full-text queries of SQLite as conditions of Milvus.

They are those of `indexer/catalogue/lookup/words.py`: phrases in double quotes, joined by AND and
OR, in all columns, in some (`{name named} : …`) or in all but one (`- text : …`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from indexer.catalogue.word_index import COLUMNS
from indexer.milvus.memory import Tokens
from indexer.milvus.schema import LONGEST_TOKEN

Phrase = tuple[str, ...]  # tokens, one after the other
NOTHING = "id < 0"
_PIECES = re.compile(
    r'\s*(?:"(?P<phrase>[^"]*)"|(?P<word>AND|OR)\b|(?P<sign>[()])|'
    r"(?P<but>-)?\s*(?:\{(?P<names>[a-z ]+)\}|(?P<name>[a-z]+))\s*:)"
)


def condition_of(match: str, tokens: Tokens) -> str:
    """The condition that a picture has the tokens of a full-text query.

    That the tokens of a phrase follow each other, Milvus does not know.
    """
    return _Reader(match, tokens).condition


def phrases_of(match: str, tokens: Tokens) -> list[Phrase]:
    """The phrases of a full-text query that have tokens."""
    return [phrase for phrase in _Reader(match, tokens).phrases if phrase]


class _Reader:
    """Reads a full-text query from left to right."""

    def __init__(self, match: str, tokens: Tokens) -> None:
        self._tokens = tokens
        self._pieces = list(_PIECES.finditer(match))
        self._place = 0
        self.phrases: list[Phrase] = []
        self.condition = self._either(COLUMNS) if self._pieces else NOTHING

    def _either(self, columns: Sequence[str]) -> str:
        parts = [self._both(columns)]
        while self._word() == "OR":
            self._place += 1
            parts.append(self._both(columns))
        return _joined(" or ", parts)

    def _both(self, columns: Sequence[str]) -> str:
        parts = [self._single(columns)]
        while self._word() == "AND":
            self._place += 1
            parts.append(self._single(columns))
        return _joined(" and ", parts)

    def _single(self, columns: Sequence[str]) -> str:
        piece = self._pieces[self._place]
        self._place += 1
        if piece["sign"] == "(":
            inside = self._either(columns)
            self._place += 1  # the parenthesis that closes it
            return inside
        if piece["phrase"] is not None:
            return self._phrase(piece["phrase"], columns)
        named = (piece["names"] or piece["name"]).split()
        return self._single(
            [column for column in columns if (column in named) == (piece["but"] is None)]
        )

    def _word(self) -> str | None:
        return self._pieces[self._place]["word"] if self._place < len(self._pieces) else None

    def _phrase(self, text: str, columns: Sequence[str]) -> str:
        phrase = tuple(self._tokens.of(text))
        self.phrases.append(phrase)
        if not phrase or not columns:
            return NOTHING
        if len(phrase) == 1:
            return f"array_contains_any(words, {_stored(columns, phrase)})"
        return _joined(
            " or ",
            [f"array_contains_all(words, {_stored([column], phrase)})" for column in columns],
        )


def _stored(columns: Sequence[str], phrase: Phrase) -> str:
    """The tokens of a phrase in each column, as `indexer/milvus/schema.py` stores them."""
    tokens = dict.fromkeys(
        f"{column}:{token}"[:LONGEST_TOKEN] for column in columns for token in phrase
    )
    return json.dumps(list(tokens), ensure_ascii=False)


def _joined(word: str, parts: Sequence[str]) -> str:
    different = list(dict.fromkeys(parts))
    return different[0] if len(different) == 1 else word.join(f"({part})" for part in different)
