"""Explanations: what adds how much to the score of a hit."""

from __future__ import annotations

from dataclasses import dataclass

from search.query import Term


@dataclass(frozen=True, slots=True)
class TermShare:
    """A term of a query and what it adds to a score; what takes away adds less than nothing."""

    term: Term
    share: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What picture and caption, and what the terms of the query, add to a score.

    Terms and marks sum up to the score. So do picture, caption and what is `taken_away`, where
    `exact` (`concat` and `mean`); a learned fusion mixes them, and theirs is what the score
    would lose without the one or the other. `caption` is None where the picture has none. `marks`
    is what pictures marked as right and wrong add beside the terms; None without any.
    """

    picture: float
    caption: float | None
    terms: tuple[TermShare, ...]
    exact: bool
    marks: float | None = None

    @property
    def taken_away(self) -> float | None:
        """What the terms that are taken away add, less than nothing; None without any."""
        shares = [part.share for part in self.terms if part.term.weight < 0]
        return sum(shares) if shares else None
