"""Pages: the hits of an answer from a place on, folded and varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.embedding import IMAGE, unit_rows
from indexer.errors import InputError
from indexer.library.library import Library
from search.answer.hits import Hit, Means
from search.query.options import Options
from search.ranking.diversity import check_strength, pool_of, varied
from search.ranking.folding import leaders
from search.ranking.order import RankedPictures, Ranking

SLACK = 16  # pictures beside those that are wanted, of which some will be folded


@dataclass(frozen=True, slots=True)
class Page:
    """Ids and scores (n,) of hits; by id, those that are folded into one; whether more follow.

    `first` and `leading`: the best of the whole answer, and the scores of its two best.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    offset: int = 0
    like: Mapping[int, Sequence[int]] = field(default_factory=dict)
    more: bool = False
    first: Ranking = field(default_factory=lambda: (np.zeros(0, np.int64), np.zeros(0, np.float32)))
    leading: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))


def page_of(library: Library, order: RankedPictures, wanted: Options, means: Means) -> Page:
    """The k hits after `offset`: of all that are distinct, in their order, the k next.

    As much of the order is looked at as that takes. What is counted as folded into a hit is what
    was looked at: a copy that ranks far below its picture may not be among it. Answers are varied
    in runs of a fixed length (`pool_of`), so that pages of one length neither repeat nor skip.
    Raises `InputError`.
    """
    k, offset, strength = max(0, wanted["k"]), wanted["offset"], wanted["diverse"]
    check_strength(strength)
    if offset < 0:
        raise InputError(f"offset: {offset} is negative; the first page starts at 0")
    end = offset + k
    if strength and k:
        end = -(-end // pool_of(k)) * pool_of(k)
    ids, scores, into = _distinct(library, order, end + 1 if k else 0, fold=wanted["fold"])
    chosen = np.flatnonzero(into == np.arange(len(into)))[: end + 1]
    more = len(chosen) > offset + k
    leading = chosen[:2]
    if strength and k:
        chosen = _varied_runs(library, ids, scores, chosen[:end], (strength, pool_of(k), means))
    chosen = chosen[offset : offset + k]
    first = (ids[leading[:1]], scores[leading[:1]])
    like = _folded(ids, into)
    return Page(ids[chosen], scores[chosen], offset, like, more, first, scores[leading])


def _folded(ids: NDArray[np.int64], into: NDArray[np.int64]) -> dict[int, list[int]]:
    """The pictures that are folded into another, by its id and in their order."""
    found: dict[int, list[int]] = {}
    for place in np.flatnonzero(into != np.arange(len(into))).tolist():
        found.setdefault(int(ids[into[place]]), []).append(int(ids[place]))
    return found


def _distinct(
    library: Library, order: RankedPictures, need: int, *, fold: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The beginning of an order with `need` distinct pictures in it, where there are so many.

    And the place of the hit (n,) that each is folded into.
    """
    count = need + max(SLACK, need // 4) if fold else need
    if order.cheap is not None and need <= order.cheap < count:
        count = order.cheap
    while True:
        ids, scores = order.first(count)
        into = leaders(library, ids) if fold else np.arange(len(ids))
        kept = np.count_nonzero(into == np.arange(len(ids)))
        if kept >= need or len(ids) < count:
            return ids, scores, into
        count = 2 * count


def _varied_runs(
    library: Library,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    chosen: NDArray[np.int64],
    how: tuple[float, int, Means],
) -> NDArray[np.int64]:
    """The chosen places in a diverse order, run by run; what has no embedding comes last of its."""
    strength, length, means = how
    found = library.embedded(ids[chosen].tolist())
    place = {int(key): n for n, key in enumerate(found.ids)}
    centre = means.get(IMAGE, np.zeros(found.v_i.shape[1], np.float32))
    rows = unit_rows(found.v_i - centre)
    ordered = []
    for start in range(0, len(chosen), length):
        run = chosen[start : start + length]
        known = np.array([int(ids[n]) in place for n in run], np.bool_)
        these = rows[[place[int(ids[n])] for n in run[known]]]
        ordered += [run[known][varied(scores[run[known]], these, strength)], run[~known]]
    return np.concatenate([np.zeros(0, np.int64), *ordered])


def placed(library: Library, hits: Sequence[Hit], page: Page) -> tuple[Hit, ...]:
    """The hits of a page with their ranks in the whole answer and what is folded into them."""
    folded = {hit.picture_id: page.like.get(hit.picture_id, ()) for hit in hits}
    pictures = library.catalogue.pictures([key for like in folded.values() for key in like])
    return tuple(
        replace(hit, rank=page.offset + hit.rank, like=_infos(pictures, folded[hit.picture_id]))
        for hit in hits
    )


def _infos(pictures: Mapping[int, PictureInfo], ids: Sequence[int]) -> tuple[PictureInfo, ...]:
    return tuple(pictures[key] for key in ids if key in pictures)
