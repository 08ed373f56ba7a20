"""Filtering: the pictures that a condition and tags let through."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib import import_module

import numpy as np
from numpy.typing import NDArray

from indexer.library.searchable import Searchable
from indexer.vectors.nearest import best
from search.ranking.order import Ranking


def allowed_ids(
    library: Searchable, where: str | None, tags: Sequence[str], date_order: str
) -> NDArray[np.int64] | None:
    """Ids (n,) of the pictures that fulfil `where` and have all tags; None for all."""
    ids = [_matches(library, where, date_order)] if where else []
    if tags:
        having = library.tags.having(library.encoder_id, tags)
        ids.append(np.array(list(having), np.int64))
    return functools.reduce(np.intersect1d, ids) if ids else None


def in_browsing_order(
    library: Searchable, where: str | None, tags: Sequence[str], date_order: str
) -> Ranking:
    """The present pictures that fulfil `where` and have all tags, with their scores.

    Tags come surest first; the score is the lowest probability of the named tags. Without a tag,
    the newest picture comes first and scores are NaN.
    """
    if not tags:
        newest = _matches(library, where or "", date_order)
        return newest, np.full(len(newest), np.nan, np.float32)
    having = library.tags.having(library.encoder_id, tags)
    present = library.catalogue.present()
    if where:
        present = np.intersect1d(present, _matches(library, where, date_order))
    scores = np.array([having.get(key, -np.inf) for key in present.tolist()], np.float32)
    surest = best(scores, len(scores))
    return present[surest], scores[surest]


def _matches(library: Searchable, where: str, date_order: str) -> NDArray[np.int64]:
    """Imports the language with the first condition, since that brings SQLAlchemy with it."""
    language = import_module("search.where")
    ids: NDArray[np.int64] = language.matches(library, where, date_order=date_order)
    return ids
