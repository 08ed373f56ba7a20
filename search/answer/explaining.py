"""Explanations: the share of a score that each part of a picture and of a query adds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import PictureFeatures, Rows
from indexer.library.searchable import Searchable
from indexer.vectors.scoring import CentredIndex, ScoredQuery
from search.answer.hits import Explanation, Hit, TermShare
from search.query.embedding import EmbeddedQuery
from search.query.terms import Query
from search.ranking.excluding import penalty

ROUNDING = 1e-4  # length by which a unit row may differ from the sum of its terms


@dataclass(frozen=True, slots=True)
class ScoreRows:
    """Rows (n, dim) of pictures whose products with a query are a score and its shares.

    `whole` gives the score. `picture` and `caption` sum up to it if `exact`; otherwise each is what
    the whole loses without the one or the other.
    """

    whole: Rows
    picture: Rows
    caption: Rows
    has_caption: NDArray[np.bool_]
    exact: bool

    @classmethod
    def of(cls, pictures: PictureFeatures, stored: CentredIndex, weight: float) -> ScoreRows:
        """The rows of pictures for queries at a weight, before any gain."""
        v_i, v_t, has = pictures.v_i, pictures.v_t, pictures.has_caption
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

    def scaled(self, gains: NDArray[np.float32]) -> ScoreRows:
        """The rows multiplied by the gain (n,) of each picture."""
        by = gains[:, None]
        parts = (self.whole * by, self.picture * by, self.caption * by)
        return ScoreRows(*parts, self.has_caption, self.exact)


def with_explanations(
    library: Searchable,
    stored: CentredIndex,
    hits: Sequence[Hit],
    embedded: EmbeddedQuery,
    query: Query,
    weight: float,
) -> tuple[Hit, ...]:
    """The hits of a query, each with an explanation of its score.

    A picture that has gone meanwhile stays without one.
    """
    pictures = library.embedded([hit.picture_id for hit in hits])
    bare = ScoreRows.of(pictures, stored, weight)
    rows = bare.scaled(_gains(bare, stored, embedded.q, weight))
    penalties = _penalties(bare, stored, embedded, weight)
    place = {int(key): row for row, key in enumerate(pictures.ids)}
    known = [hit for hit in hits if hit.picture_id in place]
    explanations = {
        hit.picture_id: _explanation(rows, place[hit.picture_id], embedded, query, penalties)
        for hit in known
    }
    return tuple(replace(hit, explanation=explanations.get(hit.picture_id)) for hit in hits)


def raised_by_text(hits: Sequence[Hit], shown: Collection[int], by: float) -> tuple[Hit, ...]:
    """The hits, of which the explanations say how far their text raises those that are `shown`."""
    return tuple(
        replace(hit, explanation=replace(hit.explanation, text=by))
        if hit.explanation is not None and hit.picture_id in shown
        else hit
        for hit in hits
    )


def _penalties(
    bare: ScoreRows, stored: CentredIndex, embedded: EmbeddedQuery, weight: float
) -> dict[int, NDArray[np.float32]]:
    """The amount (n,) that each negative term takes off the scores, by the number of the term."""
    penalties = {}
    for negative in embedded.without:
        scores = bare.whole @ negative.row * _gains(bare, stored, negative.row, weight)
        penalties[negative.term] = penalty(negative, scores)
    return penalties


def _gains(
    bare: ScoreRows, stored: CentredIndex, q: NDArray[np.float32], weight: float
) -> NDArray[np.float32]:
    """The factor (n,) of the score of each picture for a query (dim,)."""
    gain = ScoredQuery.of(stored, q, weight).gain
    plain = np.float32(1) if gain is None else gain[0]
    gains: NDArray[np.float32] = np.where(bare.has_caption, np.float32(1), plain)
    return gains


def _explanation(
    rows: ScoreRows,
    row: int,
    embedded: EmbeddedQuery,
    query: Query,
    penalties: Mapping[int, NDArray[np.float32]],
) -> Explanation:
    shares = embedded.terms @ rows.whole[row]
    for term, amounts in penalties.items():
        shares[term] = -amounts[row]
    marks = embedded.q - embedded.terms.sum(axis=0)
    marked = float(np.linalg.norm(marks)) > ROUNDING
    return Explanation(
        float(rows.picture[row] @ embedded.q),
        float(rows.caption[row] @ embedded.q) if rows.has_caption[row] else None,
        tuple(TermShare(t, float(s)) for t, s in zip(query.terms, shares, strict=True)),
        rows.exact,
        float(marks @ rows.whole[row]) if marked else None,
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
