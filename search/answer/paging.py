"""Pages: the hits of an answer from an offset on, folded and diverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.pictures import PictureInfo
from indexer.embedding import IMAGE, unit_rows
from indexer.errors import InputError
from indexer.library.searchable import Searchable
from search.answer.hits import Hit, Means
from search.query.options import SearchOptions
from search.ranking.diversity import check_strength, diverse_order, pool_of
from search.ranking.folding import leaders
from search.ranking.order import RankedPictures

EXTRA = 16  # pictures read beyond those that a page needs, since some will be folded


@dataclass(frozen=True, slots=True)
class Page:
    """Ids and scores (n,) of the hits of a page.

    `folded`: by id of a hit, the pictures that are folded into it; `more`: whether hits follow.
    `leading`: the scores of the two best hits of the whole answer.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    offset: int = 0
    folded: Mapping[int, Sequence[int]] = field(default_factory=dict)
    more: bool = False
    leading: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def next_offset(self) -> int | None:
        """Offset of the next page; None on the last page."""
        return self.offset + len(self.ids) if self.more else None


def page_of(
    library: Searchable, order: RankedPictures, options: SearchOptions, means: Means
) -> Page:
    """The k hits after `offset`, of all that are distinct and in their order.

    Reads no more of the order than that takes. A copy that ranks far below its picture may
    therefore not be counted as folded into it. Diverse answers are reordered in runs of a fixed
    length (`pool_of`), so that pages of one length neither repeat nor skip a hit. Raises
    `InputError` for a negative offset or a strength outside 0 to 1.
    """
    k, offset, strength = max(0, options.k), options.offset, options.diverse
    check_strength(strength)
    if offset < 0:
        raise InputError(f"offset: {offset} is negative; the first page starts at 0")
    end = offset + k
    if strength and k:
        end = -(-end // pool_of(k)) * pool_of(k)
    ids, scores, into = _distinct(library, order, end + 1 if k else 0, fold=options.fold)
    places = np.flatnonzero(into == np.arange(len(into)))[: end + 1]
    more = len(places) > offset + k
    leading = places[:2]
    if strength and k:
        places = _diverse_runs(library, ids, scores, places[:end], (strength, pool_of(k), means))
    places = places[offset : offset + k]
    folded = _folded(ids, into)
    return Page(ids[places], scores[places], offset, folded, more, np.sort(scores[leading])[::-1])


def _folded(ids: NDArray[np.int64], into: NDArray[np.int64]) -> dict[int, list[int]]:
    """The pictures that are folded into a hit, by its id and in their order."""
    folded: dict[int, list[int]] = {}
    for place in np.flatnonzero(into != np.arange(len(into))).tolist():
        folded.setdefault(int(ids[into[place]]), []).append(int(ids[place]))
    return folded


def _distinct(
    library: Searchable, order: RankedPictures, need: int, *, fold: bool
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """The beginning of an order with at least `need` distinct pictures, or all of it.

    Returns ids and scores (n,), and the place of the hit (n,) that each is folded into.
    """
    count = need + max(EXTRA, need // 4) if fold else need
    if order.cheap is not None and need <= order.cheap < count:
        count = order.cheap
    while True:
        ids, scores = order.first(count)
        into = leaders(library, ids) if fold else np.arange(len(ids))
        distinct = np.count_nonzero(into == np.arange(len(ids)))
        if distinct >= need or len(ids) < count:
            return ids, scores, into
        count = 2 * count


def _diverse_runs(
    library: Searchable,
    ids: NDArray[np.int64],
    scores: NDArray[np.float32],
    places: NDArray[np.int64],
    how: tuple[float, int, Means],
) -> NDArray[np.int64]:
    """The places in a diverse order, run by run; pictures without an embedding end their run."""
    strength, length, means = how
    pictures = library.embedded(ids[places].tolist())
    row_of = {int(key): n for n, key in enumerate(pictures.ids)}
    centre = means.get(IMAGE, np.zeros(pictures.v_i.shape[1], np.float32))
    rows = unit_rows(pictures.v_i - centre)
    ordered = [np.zeros(0, np.int64)]
    for start in range(0, len(places), length):
        run = places[start : start + length]
        known = np.array([int(ids[n]) in row_of for n in run], np.bool_)
        run_rows = rows[[row_of[int(ids[n])] for n in run[known]]]
        order = diverse_order(scores[run[known]], run_rows, strength)
        ordered += [run[known][order], run[~known]]
    return np.concatenate(ordered)


def ranked_hits(library: Searchable, hits: Sequence[Hit], page: Page) -> tuple[Hit, ...]:
    """The hits of a page with their ranks in the whole answer and what is folded into them."""
    folded = {hit.picture_id: page.folded.get(hit.picture_id, ()) for hit in hits}
    pictures = library.catalogue.pictures([key for ids in folded.values() for key in ids])
    return tuple(
        replace(hit, rank=page.offset + hit.rank, folded=_infos(pictures, folded[hit.picture_id]))
        for hit in hits
    )


def _infos(pictures: Mapping[int, PictureInfo], ids: Sequence[int]) -> tuple[PictureInfo, ...]:
    return tuple(pictures[key] for key in ids if key in pictures)
