"""Feedback: a query is refined by pictures that were marked as right and as wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows, unit_rows
from indexer.errors import QueryError
from search.query.embedding import EmbeddedQuery

ALPHA, BETA, GAMMA = 1.0, 1.5, 0.5
NOTHING = "nothing to search for; give words, a picture, or a picture marked as right"
ENOUGH, LEAST = 0.3, 1 / 6  # cosine of words to what is right, at which marks count least


def refined(query: EmbeddedQuery, right: Rows, wrong: Rows) -> EmbeddedQuery:
    """A query as marks refine it (`rocchio`); its `terms` are what is left of its own.

    Raises `QueryError` as `rocchio` does.
    """
    if query.q.any() and not len(right) and not len(wrong):
        return query
    share = 1.0 if query.content_hashes else needed(query.q, right)
    moved = rocchio(query.q, right, wrong, share)
    return replace(query, q=unit_rows(moved), terms=ALPHA * query.terms / np.linalg.norm(moved))


def needed(q: NDArray[np.float32], right: Rows) -> float:
    """`s`: how much marks count beside words `q`, from 1 down to 1/6; (r, dim) are right.

    The less, the more words are like what is right by themselves: a name that says well what is
    meant is worth more than three examples of it, which are narrower. A picture that asks is an
    example too: the more there are of these, the better.
    """
    if not len(right):
        return 1.0
    return float(np.clip(1 - q @ right.mean(axis=0) / ENOUGH, LEAST, 1))


def rocchio(
    q: NDArray[np.float32], right: Rows, wrong: Rows, share: float = 1.0
) -> NDArray[np.float32]:
    """The refined query (dim,), of any length: `q' = α q + s (β mean(right) - γ mean(wrong))`.

    `q` is a centred unit row (dim,), or zeros where nothing but marks is asked with; `right`
    (r, dim) and `wrong` (w, dim) are the centred unit rows of marked pictures; either may be
    empty. As `q'` is a row of the encoder's space, it asks whatever fusion the library has. After
    J. J. Rocchio, "Relevance feedback in information retrieval" (1971). Raises `QueryError` when
    all of it cancels out, or only takes away.
    """
    if not q.any() and not len(right):
        raise QueryError(NOTHING)
    moved = ALPHA * q
    if len(right):
        moved = moved + share * BETA * right.mean(axis=0)
    if len(wrong):
        moved = moved - share * GAMMA * wrong.mean(axis=0)
    if not np.linalg.norm(moved) > 1e-3:
        raise QueryError("the marks cancel out the query; remove one")
    return moved
