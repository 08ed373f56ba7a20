"""An order of pictures that is asked for from its beginning, as far as it is needed."""

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
    """`first(count)`: ids and scores of the first pictures, fewer where there are no more.

    What it gives for a number begins with what it gives for a smaller one, so that pages which are
    cut out of it neither repeat a picture nor skip one. `cheap`: so many come without going through
    all rows of a large library; None where that makes no difference.
    """

    first: Callable[[int], Ranking]
    cheap: int | None = None

    @classmethod
    def of(cls, ids: NDArray[np.int64], scores: NDArray[np.float32]) -> RankedPictures:
        """The order of pictures (n,) that are all known already."""
        return cls(lambda count: (ids[:count], scores[:count]))


def best_first(
    stored: CentredIndex, q: NDArray[np.float32], weight: float, wanted: Selection
) -> RankedPictures:
    """All pictures for a query, best first; `wanted.k` is the number of hits of a page.

    Where a large library is asked for few at a time, the first are the best candidates of its
    compressed index, on every page alike; after them come all others, ranked exactly. One that the
    candidates lacked follows them, with a score above theirs. Raises `RowsDamaged`.
    """
    index, compressed = stored.index, stored.index.compressed
    few = wanted.k + len(wanted.barred)
    if compressed is None or wanted.only is not None or not compressed.serves(few):

        def exact(count: int) -> Ranking:
            positions, scores = ranked(stored, q, weight, replace(wanted, k=count))
            return picture_ids(index.keys_at(positions)), scores

        return RankedPictures(exact)
    most = compressed.most - len(wanted.barred)

    def likely_first(count: int) -> Ranking:
        head = replace(wanted, k=min(count, most))
        positions, scores = nearest(stored, q, weight, head)
        if len(positions) < count:
            others = Selection(count - len(positions), np.union1d(wanted.barred, positions))
            more, below = ranked(stored, q, weight, others)
            positions, scores = np.append(positions, more), np.append(scores, below)
        return picture_ids(index.keys_at(positions)), scores

    return RankedPictures(likely_first, most)


def preceded(head: Ranking, order: RankedPictures) -> RankedPictures:
    """Known pictures with their scores, and after them those of an order."""
    ids, scores = head

    def first(count: int) -> Ranking:
        more, below = order.first(max(0, count - len(ids)))
        return np.append(ids[:count], more), np.append(scores[:count], below)

    return RankedPictures(first, None if order.cheap is None else order.cheap + len(ids))


def reaching(order: RankedPictures, least: float | None) -> RankedPictures:
    """Those of an order whose score is not below the least."""
    if least is None:
        return order

    def first(count: int) -> Ranking:
        ids, scores = order.first(count)
        return ids[scores >= least], scores[scores >= least]

    return RankedPictures(first, order.cheap)
