"""Feedback: pictures marked as right and as wrong refine a query."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows, unit_rows
from indexer.errors import QueryError
from search.query.embedding import EmbeddedQuery

ALPHA, BETA, GAMMA = 1.0, 1.5, 0.5
NOTHING = "nothing to search for; give words, a picture, or a picture marked as right"
ENOUGH, LEAST = 0.3, 1 / 6  # cosine of words to right pictures at which marks count least


def refined(query: EmbeddedQuery, right: Rows, wrong: Rows) -> EmbeddedQuery:
    """The query as marks refine it (`rocchio`), its `terms` scaled alike.

    Raises `QueryError` as `rocchio` does.
    """
    if query.q.any() and not len(right) and not len(wrong):
        return query
    share = 1.0 if query.content_hashes else needed(query.q, right)
    moved = rocchio(query.q, right, wrong, share)
    return replace(query, q=unit_rows(moved), terms=ALPHA * query.terms / np.linalg.norm(moved))


def needed(q: NDArray[np.float32], right: Rows) -> float:
    """`s`: the weight of marks beside words `q`, from 1 down to 1/6; `right` (r, dim) are rows.

    The better the words match the right pictures by themselves, the less marks count: a good name
    is worth more than three examples, which are narrower. A query by picture is an example itself,
    and the more examples there are, the better.
    """
    if not len(right):
        return 1.0
    return float(np.clip(1 - q @ right.mean(axis=0) / ENOUGH, LEAST, 1))


def rocchio(
    q: NDArray[np.float32], right: Rows, wrong: Rows, share: float = 1.0
) -> NDArray[np.float32]:
    """The refined query (dim,), of any length: `q' = α q + s (β mean(right) - γ mean(wrong))`.

    `q` is a centred unit row (dim,), or zeros for a query of marks alone; `right` (r, dim) and
    `wrong` (w, dim) are the centred unit rows of marked pictures; either may be empty. `q'` is a
    row of the encoder's space, so it works with any fusion. After J. J. Rocchio, "Relevance
    feedback in information retrieval" (1971). Raises `QueryError` if all of it cancels out, or if
    nothing but wrong pictures is given.
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
