"""Explaining: what each part of a picture and of a query adds to the score of a hit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import PictureFeatures, Rows
from indexer.library.library import Library
from indexer.vectors.scoring import CentredIndex, ScoredQuery
from search.answer.hits import Explanation, Hit, TermShare
from search.query.embedding import EmbeddedQuery
from search.query.terms import Query
from search.ranking.excluding import penalty

ROUNDED = 1e-4  # of a unit row: what its terms may lack of it by rounding


@dataclass(frozen=True, slots=True)
class Targets:
    """Rows (n, dim) whose products with a query are a score and the shares of it.

    `whole` is for the score; `picture` and `caption` sum up to it where `exact`, else each is what
    the whole loses without the one or the other.
    """

    whole: Rows
    picture: Rows
    caption: Rows
    has_caption: NDArray[np.bool_]
    exact: bool

    @classmethod
    def of(cls, found: PictureFeatures, stored: CentredIndex, weight: float) -> Targets:
        """The targets of pictures for queries at a weight, before any gain."""
        v_i, v_t, has = found.v_i, found.v_t, found.has_caption
        halves = stored.fusion.halves(v_i, v_t, has, weight, stored.centres)
        if halves is not None:
            return cls(halves[0] + halves[1], *halves, has, exact=True)
        whole = _centred(stored, v_i, v_t, has)
        unseen, unsaid = (
            _centred(stored, 0 * v_i, v_t, has),
            _centred(stored, v_i, v_t, has & False),
        )
        captioned = has[:, None]
        return cls(
            whole,
            np.where(captioned, whole - unseen, whole),
            np.where(captioned, whole - unsaid, np.float32(0)),
            has,
            exact=False,
        )

    def scaled(self, gains: NDArray[np.float32]) -> Targets:
        """The same with the gain (n,) of each picture."""
        by = gains[:, None]
        parts = (self.whole * by, self.picture * by, self.caption * by)
        return Targets(*parts, self.has_caption, self.exact)


def explained(
    library: Library,
    stored: CentredIndex,
    hits: Sequence[Hit],
    asked: EmbeddedQuery,
    query: Query,
    weight: float,
) -> tuple[Hit, ...]:
    """The hits of a query, each with what adds to its score.

    A picture that went meanwhile is left without an explanation.
    """
    found = library.embedded([hit.picture_id for hit in hits])
    bare = Targets.of(found, stored, weight)
    targets = bare.scaled(_gains(bare, stored, asked.q, weight))
    taken = _taken(bare, stored, asked, weight)
    place = {int(key): row for row, key in enumerate(found.ids)}
    known = [hit for hit in hits if hit.picture_id in place]
    explanations = {
        hit.picture_id: _explanation(targets, place[hit.picture_id], asked, query, taken)
        for hit in known
    }
    return tuple(replace(hit, explanation=explanations.get(hit.picture_id)) for hit in hits)


def _taken(
    bare: Targets, stored: CentredIndex, asked: EmbeddedQuery, weight: float
) -> dict[int, NDArray[np.float32]]:
    """What each term that is taken away takes off the scores (n,), by the number of the term."""
    found = {}
    for negative in asked.without:
        scores = bare.whole @ negative.row * _gains(bare, stored, negative.row, weight)
        found[negative.term] = penalty(negative, scores)
    return found


def _gains(
    bare: Targets, stored: CentredIndex, q: NDArray[np.float32], weight: float
) -> NDArray[np.float32]:
    """What the score (n,) of each picture for a query (dim,) is multiplied by."""
    gain = ScoredQuery.of(stored, q, weight).gain
    plain = np.float32(1) if gain is None else gain[0]
    gains: NDArray[np.float32] = np.where(bare.has_caption, np.float32(1), plain)
    return gains


def _explanation(
    targets: Targets,
    row: int,
    asked: EmbeddedQuery,
    query: Query,
    taken: Mapping[int, NDArray[np.float32]],
) -> Explanation:
    shares = asked.terms @ targets.whole[row]
    for term, off in taken.items():
        shares[term] = -off[row]
    marks = asked.q - asked.terms.sum(axis=0)
    marked = float(np.linalg.norm(marks)) > ROUNDED
    return Explanation(
        float(targets.picture[row] @ asked.q),
        float(targets.caption[row] @ asked.q) if targets.has_caption[row] else None,
        tuple(TermShare(t, float(s)) for t, s in zip(query.terms, shares, strict=True)),
        targets.exact,
        float(marks @ targets.whole[row]) if marked else None,
    )


def _centred(
    stored: CentredIndex, v_i: Rows, v_t: Rows, has_caption: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Fused rows less the mean row of their kind."""
    rows = stored.fusion.pictures(v_i, v_t, has_caption)
    centres = stored.centres
    centred: NDArray[np.float32] = rows - np.where(
        has_caption[:, None], centres.captioned, centres.plain
    )
    return centred
