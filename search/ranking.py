"""Ranking: the score of every stored row for one query, and the best k of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.nearest import Wanted, best, candidates_of, each_block, ranked
from indexer.scoring import Asked, Scores, StoredRows, block_scores
from indexer.vectors import Ids

__all__ = ["Scores", "StoredRows", "Wanted", "best", "nearest", "scores"]


def scores(stored: StoredRows, q: NDArray[np.float32], weight: float) -> Scores:
    """The re-scored value at every position: exact, by a scan; -inf where a row cannot answer.

    `q`: a centred unit row (dim,), for scores (n,); or many (m, dim), for scores (m, n). The
    product with the query is taken from each kind's centre and divided by the length of the
    weighted pair; scores without a caption are spread as far as fused ones, so that both kinds
    rank fairly in one list.
    """
    asked = Asked.of(stored, q, weight)
    nothing = np.zeros((len(asked.queries), 0), np.float32)
    parts = each_block(lambda keyed: block_scores(keyed, asked, stored.fusion), stored.index.blocks)
    found: Scores = np.concatenate([nothing, *parts], axis=1)
    one: Scores = found[0]
    return one if q.ndim == 1 else found


def nearest(
    stored: StoredRows, q: NDArray[np.float32], weight: float, wanted: Wanted
) -> tuple[Ids, Scores]:
    """The positions of the k best rows and their scores, best first.

    A large library is asked through its compressed index; what is restricted to some pictures, or
    asks for many, is answered exactly. Scores are exact in any case. Raises `RowsDamaged`.
    """
    compressed = stored.index.compressed
    few = wanted.k + len(wanted.barred)
    if compressed is None or wanted.only is not None or not compressed.serves(few):
        return ranked(stored, q, weight, wanted)
    return candidates_of(stored, q, weight, wanted, compressed.candidates(q, weight))
