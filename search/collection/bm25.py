"""BM25 as SQLite's full-text search computes it, with the counts of a whole collection.

score = sum over phrases of idf * f * (k1 + 1) / (f + k1 * (1 - b + b * words / average))

`f` counts a phrase in a picture, each column by its weight, `words` all tokens of the picture, and
idf = ln((N - n + 0.5) / (n + 0.5)) for n of N pictures with the phrase (Robertson and Zaragoza
2009).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexer.catalogue.lookup.words import WEIGHTS
from indexer.catalogue.word_index import COLUMNS

_K1, _B = 1.2, 0.75
_LEAST = 1e-6  # idf of a phrase that most pictures have
_WEIGHTS = dict(zip(COLUMNS, WEIGHTS, strict=True))


@dataclass(frozen=True, slots=True)
class Words:
    """Counts of a collection: its pictures, the average of their tokens, pictures by phrase."""

    pictures: int
    average: float
    numbers: Sequence[int]

    def idf(self, place: int) -> float:
        """The weight of a phrase, by its place."""
        having = self.numbers[place]
        ratio = (self.pictures - having + 0.5) / (having + 0.5)
        return max(math.log(ratio), _LEAST) if ratio > 0 else _LEAST


def scores(
    rows: Mapping[int, Sequence[tuple[str, str]]], phrases: Sequence[tuple[str, ...]], known: Words
) -> dict[int, float]:
    """The score of each picture; `rows` are its tokens with their columns, in their order."""
    return {
        key: sum(
            known.idf(place) * _part(_count(tokens, phrase), len(tokens) / known.average)
            for place, phrase in enumerate(phrases)
        )
        for key, tokens in rows.items()
    }


def _part(count: float, length: float) -> float:
    return count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * length)) if count else 0.0


def _count(tokens: Sequence[tuple[str, str]], phrase: tuple[str, ...]) -> float:
    """The number of times that a phrase stands in the tokens, each by the weight of its column."""
    total = 0.0
    for place, (column, token) in enumerate(tokens):
        if token == phrase[0] and all(
            tokens[place + after : place + after + 1] == [(column, other)]
            for after, other in enumerate(phrase)
        ):
            total += _WEIGHTS[column]
    return total
