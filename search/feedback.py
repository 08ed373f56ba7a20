"""Feedback: a query is refined by pictures that were marked as right and as wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from indexer.encoders import Rows, unit_rows
from indexer.errors import QueryError

ALPHA, BETA, GAMMA = 1.0, 1.5, 0.5


def rocchio(q: NDArray[np.float32], right: Rows, wrong: Rows) -> NDArray[np.float32]:
    """The refined query, a unit row (dim,): `q' = α q + β mean(right) - γ mean(wrong)`.

    `q` is a centred unit row (dim,), or zeros where nothing but marks is asked with; `right`
    (r, dim) and `wrong` (w, dim) are the centred unit rows of marked pictures; either may be
    empty. As `q'` is a row of the encoder's space, it asks whatever fusion the library has. After
    J. J. Rocchio, "Relevance feedback in information retrieval" (1971). Raises `QueryError` when
    all of it cancels out, or only takes away.
    """
    if not q.any() and not len(right):
        raise QueryError("nothing to look for: give words, a picture, or a picture marked as right")
    refined = _summed(q, right, wrong)
    if not np.linalg.norm(refined) > 1e-3:
        raise QueryError("the marks cancel the query out; take one back")
    return unit_rows(refined)


def kept_share(q: NDArray[np.float32], right: Rows, wrong: Rows) -> float:
    """How much of `q` itself is in the refined query: the rest of it is made of the marks."""
    return ALPHA / max(float(np.linalg.norm(_summed(q, right, wrong))), 1e-3)


def _summed(q: NDArray[np.float32], right: Rows, wrong: Rows) -> NDArray[np.float32]:
    refined = ALPHA * q
    if len(right):
        refined = refined + BETA * right.mean(axis=0)
    if len(wrong):
        refined = refined - GAMMA * wrong.mean(axis=0)
    return refined
