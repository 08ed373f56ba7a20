"""Ranked pictures: an order that is made from its beginning, as far as it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.vectors.keys import picture_ids
from indexer.vectors.nearest import Selection, nearest, ranked
from indexer.vectors.scoring import CentredIndex

Ranking = tuple[NDArray[np.int64], NDArray[np.float32]]  # ids of pictures and their scores


@dataclass(frozen=True, slots=True)
class RankedPictures:
    """`first(count)`: ids and scores of the first pictures, fewer if there are no more.

    A longer beginning starts with any shorter one, so that the pages that are cut out of it
    neither repeat nor skip a picture. `cheap`: number of pictures that the compressed index of a
    large library supplies before all rows have to be scanned; None if it is not used.
    """

    first: Callable[[int], Ranking]
    cheap: int | None = None

    @classmethod
    def of(cls, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> RankedPictures:
        """The order of pictures (n,) that are already ranked."""
        return cls(lambda count: (ids[:count], scores[:count]))


def best_first(
    stored: CentredIndex, q: NDArray[np.float32], weight: float, selection: Selection
) -> RankedPictures:
    """All pictures for a query, best first; `selection.k` is the number of hits of a page.

    In a large library, short pages begin with the best candidates of its compressed index, the same
    for every page; all others follow, ranked exactly. A picture that the candidates lacked comes
    after them, even with a higher score. Raises `RowsDamaged`.
    """
    index, compressed = stored.index, stored.index.compressed
    needed = selection.k + len(selection.barred)
    if compressed is None or selection.only is not None or not compressed.serves(needed):

        def exact(count: int) -> Ranking:
            positions, scores = ranked(stored, q, weight, replace(selection, k=count))
            return picture_ids(index.keys_at(positions)), scores

        return RankedPictures(exact)
    candidates = compressed.most - len(selection.barred)

    def candidates_first(count: int) -> Ranking:
        head = replace(selection, k=min(count, candidates))
        positions, scores = nearest(stored, q, weight, head)
        if len(positions) < count:
            others = Selection(count - len(positions), np.union1d(selection.barred, positions))
            more, below = ranked(stored, q, weight, others)
            positions, scores = np.append(positions, more), np.append(scores, below)
        return picture_ids(index.keys_at(positions)), scores

    return RankedPictures(candidates_first, candidates)


def preceded(head: Ranking, order: RankedPictures) -> RankedPictures:
    """Ranked pictures before those of an order."""
    ids, scores = head

    def first(count: int) -> Ranking:
        more, below = order.first(max(0, count - len(ids)))
        return np.append(ids[:count], more), np.append(scores[:count], below)

    return RankedPictures(first, None if order.cheap is None else order.cheap + len(ids))


def reaching(order: RankedPictures, least: float | None) -> RankedPictures:
    """The pictures of an order with at least this score; all of them if it is None."""
    if least is None:
        return order

    def first(count: int) -> Ranking:
        ids, scores = order.first(count)
        return ids[scores >= least], scores[scores >= least]

    return RankedPictures(first, order.cheap)
