"""Feedback: a query is refined by pictures that were marked as right and as wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.encoders import Rows, unit_rows
from indexer.errors import QueryError
from search.query import EmbeddedQuery

ALPHA, BETA, GAMMA = 1.0, 1.5, 0.5
ENOUGH, LEAST = 0.4, 1 / 6  # cosine to what is right at which marks count least, and how much


def refined(query: EmbeddedQuery, right: Rows, wrong: Rows) -> EmbeddedQuery:
    """A query as marks refine it (`rocchio`); its `terms` are what is left of its own.

    Raises `QueryError` as `rocchio` does.
    """
    if query.q.any() and not len(right) and not len(wrong):
        return query
    moved = _moved(query.q, right, wrong)
    return replace(query, q=unit_rows(moved), terms=ALPHA * query.terms / np.linalg.norm(moved))


def rocchio(q: NDArray[np.float32], right: Rows, wrong: Rows) -> NDArray[np.float32]:
    """The refined query, a unit row (dim,): `q' = α q + s (β mean(right) - γ mean(wrong))`.

    `s`, from 1 down to 1/6, is the less, the more `q` is like what is right by itself: a name that
    says well what is meant is worth more than three examples of it, which are narrower.
    `q` is a centred unit row (dim,), or zeros where nothing but marks is asked with; `right`
    (r, dim) and `wrong` (w, dim) are the centred unit rows of marked pictures; either may be
    empty. As `q'` is a row of the encoder's space, it asks whatever fusion the library has. After
    J. J. Rocchio, "Relevance feedback in information retrieval" (1971). Raises `QueryError` when
    all of it cancels out, or only takes away.
    """
    return unit_rows(_moved(q, right, wrong))


def _moved(q: NDArray[np.float32], right: Rows, wrong: Rows) -> NDArray[np.float32]:
    """The refined query (dim,), not yet of unit length."""
    if not q.any() and not len(right):
        raise QueryError("nothing to look for: give words, a picture, or a picture marked as right")
    none = np.zeros_like(q)
    liked = right.mean(axis=0) if len(right) else none
    disliked = wrong.mean(axis=0) if len(wrong) else none
    share = np.clip(1 - q @ liked / ENOUGH, LEAST, 1)
    moved: NDArray[np.float32] = ALPHA * q + share * (BETA * liked - GAMMA * disliked)
    if not np.linalg.norm(moved) > 1e-3:
        raise QueryError("the marks cancel the query out; take one back")
    return moved
