"""Taking away: the score of what is asked for, less what a picture has of what is not wanted.

    score = s(q) - sum of weight * MOST * logistic((s(negative) - NEAR * likest - MORE) / SOFT)

`s` is the score of a row for a query, and `likest` the best score of all pictures for the negative:
what comes near to it is what is not wanted. To subtract the negative's row from the query's would
leave hardly anything of the query where the two are alike: "dog - black dog" would find no dog. The
figures were chosen with the pairs of `benchmarks/negatives.py`, on pictures that the built-in model
never saw.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from indexer.vectors.keys import Ids, picture_ids
from indexer.vectors.nearest import Selection, best, ranked
from indexer.vectors.scoring import CentredIndex, Scores
from search.query.embedding import EmbeddedQuery, NegativeTerm
from search.ranking.order import RankedPictures, Ranking

MOST, NEAR, MORE, SOFT = 0.45, 0.6, 0.0, 0.03
_FIRST, _MORE = 256, 8  # rows that are looked at first, and how many times as many then


def against(stored: CentredIndex, embedded: EmbeddedQuery, weight: float) -> EmbeddedQuery:
    """The query, each negative with the best score of all pictures for it, by a scan."""
    everything = Selection(1, np.zeros(0, np.int64))
    known = []
    for negative in embedded.without:
        _, found = ranked(stored, negative.row, weight, everything)
        known.append(replace(negative, likest=float(found[0]) if len(found) else 0.0))
    return replace(embedded, without=tuple(known))


def lowered_first(
    stored: CentredIndex, embedded: EmbeddedQuery, weight: float, wanted: Selection
) -> RankedPictures:
    """All pictures for a query that takes something away, best first, and exact."""

    def first(count: int) -> Ranking:
        most = replace(wanted, k=count)
        positions, scores = nearest_without(stored, embedded, weight, most)
        return picture_ids(stored.index.keys_at(positions)), scores

    return RankedPictures(first)


def nearest_without(
    stored: CentredIndex, embedded: EmbeddedQuery, weight: float, wanted: Selection
) -> tuple[Ids, Scores]:
    """The positions of the k best rows and their scores, best first, by a scan; the query is one
    that `against` gave.

    What is taken away only lowers scores: once the k-th best of the rows that are nearest to `q` is
    no worse than the last of these was before, no other row can be among the k best.
    """
    if not embedded.without:
        return ranked(stored, embedded.q, weight, wanted)
    looked = max(_FIRST, 4 * wanted.k)
    while True:
        more = replace(wanted, k=looked)
        positions, found = ranked(stored, embedded.q, weight, more)
        lowered = found - penalties(stored, embedded, weight, positions)
        chosen = best(lowered, wanted.k)
        enough = len(chosen) == wanted.k and lowered[chosen[-1]] >= found[-1]
        if len(positions) < looked or enough:
            return positions[chosen], lowered[chosen]
        looked *= _MORE


def penalties(
    stored: CentredIndex, embedded: EmbeddedQuery, weight: float, positions: Ids
) -> Scores:
    """What is taken off the scores (n,) of the rows at some positions."""
    total = np.zeros(len(positions), np.float32)
    order = np.argsort(positions)
    only = Selection(len(positions), np.zeros(0, np.int64), positions[order])
    for negative in embedded.without:
        where, found = ranked(stored, negative.row, weight, only)
        values = np.full(len(positions), -np.inf, np.float32)
        values[order[np.searchsorted(positions[order], where)]] = found
        total += penalty(negative, values)
    return total


def penalty(negative: NegativeTerm, scores: Scores) -> Scores:
    """What a negative takes off, of rows that it scores so; nothing of those that never answer."""
    above = (scores - np.float32(NEAR * negative.likest + MORE)) / np.float32(SOFT)
    lowered: Scores = np.float32(negative.weight * MOST) / (1 + np.exp(-above))
    return lowered
