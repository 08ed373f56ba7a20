"""Negative terms: they lower the score of the pictures that match them.

    score = s(q) - sum of weight * PENALTY * logistic((s(negative) - NEAR * likest) / SOFTNESS)

`s` is the score of a picture for a query, and `likest` the best score of any picture for the
negative term: pictures near it are those that are not wanted. Subtracting the row of the negative
term from that of the query would leave hardly anything of the query if the two are alike: "dog -
black dog" would find no dog. The constants were chosen with the pairs of `benchmarks/negatives.py`,
on pictures that the built-in model never saw.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from indexer.vectors.keys import Ids, picture_ids
from indexer.vectors.nearest import Selection, best, ranked
from indexer.vectors.scoring import CentredIndex, Scores
from search.query.embedding import EmbeddedQuery, NegativeTerm
from search.ranking.order import RankedPictures, Ranking

PENALTY, NEAR, SOFTNESS = 0.45, 0.6, 0.03
_FIRST_ROWS, _GROWTH = 256, 8  # rows that are read first, and how many times more after that


def with_best_scores(stored: CentredIndex, embedded: EmbeddedQuery, weight: float) -> EmbeddedQuery:
    """The query, with the best score that any picture reaches for each negative term.

    One full scan for each term.
    """
    everything = Selection(1, np.zeros(0, np.int64))
    negatives = []
    for negative in embedded.without:
        _, scores = ranked(stored, negative.row, weight, everything)
        negatives.append(replace(negative, likest=float(scores[0]) if len(scores) else 0.0))
    return replace(embedded, without=tuple(negatives))


def ranked_without(
    stored: CentredIndex, embedded: EmbeddedQuery, weight: float, selection: Selection
) -> RankedPictures:
    """All pictures for a query with negative terms, best first and exact."""

    def first(count: int) -> Ranking:
        selected = replace(selection, k=count)
        positions, scores = nearest_without(stored, embedded, weight, selected)
        return picture_ids(stored.index.keys_at(positions)), scores

    return RankedPictures(first)


def nearest_without(
    stored: CentredIndex, embedded: EmbeddedQuery, weight: float, selection: Selection
) -> tuple[Ids, Scores]:
    """The positions of the k best rows and their scores, best first, by a scan.

    `embedded` is a query from `with_best_scores`. Negative terms only lower scores: once the k-th
    best of the rows nearest to `q` is no worse than the last of them was before, no other row can
    be among the k best.
    """
    if not embedded.without:
        return ranked(stored, embedded.q, weight, selection)
    count = max(_FIRST_ROWS, 4 * selection.k)
    while True:
        positions, scores = ranked(stored, embedded.q, weight, replace(selection, k=count))
        lowered = scores - penalties(stored, embedded, weight, positions)
        top = best(lowered, selection.k)
        enough = len(top) == selection.k and lowered[top[-1]] >= scores[-1]
        if len(positions) < count or enough:
            return positions[top], lowered[top]
        count *= _GROWTH


def penalties(
    stored: CentredIndex, embedded: EmbeddedQuery, weight: float, positions: Ids
) -> Scores:
    """The sum (n,) that all negative terms take off the scores of the rows at some positions."""
    total = np.zeros(len(positions), np.float32)
    order = np.argsort(positions)
    only = Selection(len(positions), np.zeros(0, np.int64), positions[order])
    for negative in embedded.without:
        answering, answers = ranked(stored, negative.row, weight, only)
        scores = np.full(len(positions), -np.inf, np.float32)
        scores[order[np.searchsorted(positions[order], answering)]] = answers
        total += penalty(negative, scores)
    return total


def penalty(negative: NegativeTerm, scores: Scores) -> Scores:
    """The amount (n,) that a negative term takes off, given the scores (n,) of rows for it.

    Nothing for a score of -inf: a row that cannot answer.
    """
    above = (scores - np.float32(NEAR * negative.likest)) / np.float32(SOFTNESS)
    amount: Scores = np.float32(negative.weight * PENALTY) / (1 + np.exp(-above))
    return amount
