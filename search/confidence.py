"""How sure a hit is: evidence becomes a probability by the library's calibration.

It is the probability that the hit is what was asked for, where what is asked for is in the library
as often as not. Only words that are asked for have one: captions tell which picture is right, and
nothing tells how alike two pictures have to be, or what is far enough from a term taken away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexer.confidence.calibration import Calibration
from indexer.confidence.line import CAPTION, FUSED, PICTURE, leads, probability
from search.hits import Hit
from search.query import Query


@dataclass(frozen=True, slots=True)
class _Weighed:
    """Log odds that a hit is right, and how far its evidence is above two limits: the `floor` that
    it must reach itself, and the `best` that the first hit of an answer must reach.
    """

    log_odds: float
    floor: float
    best: float

    def towards(self, other: _Weighed, share: float) -> _Weighed:
        """What lies between this (share 0) and another (share 1)."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return _Weighed(*((1 - share) * one + share * two for one, two in pairs))


def askable(query: Query) -> bool:
    """Whether hits of a query can have a confidence: it asks for words, and for nothing else."""
    return bool(query.terms) and all(t.picture is None and t.weight > 0 for t in query.terms)


def weighed(
    hits: Sequence[Hit], query: Query, calibration: Calibration, pictures: int
) -> tuple[Hit, ...]:
    """The first hits of an answer, found among so many pictures, with their confidence.

    Doubtful are hits without enough evidence, and all hits of an answer whose best has too little.
    """
    scores = np.array([hit.score for hit in hits], np.float64)
    words = sum(len(term.text.split()) for term in query.terms)
    found = [
        _of(hit, lead, query.weight or 0.0, calibration, words, pictures)
        for hit, lead in zip(hits, leads(scores).tolist() if len(hits) else (), strict=True)
    ]
    hopeless = bool(found) and found[0] is not None and found[0].best < 0
    return tuple(
        hit if known is None else _told(hit, known, hopeless=hopeless)
        for hit, known in zip(hits, found, strict=True)
    )


def _told(hit: Hit, known: _Weighed, *, hopeless: bool) -> Hit:
    confidence = float(probability(np.array(known.log_odds)))
    return replace(hit, confidence=confidence, doubtful=hopeless or known.floor < 0)


def _of(
    hit: Hit, lead: float, weight: float, calibration: Calibration, words: int, pictures: int
) -> _Weighed | None:
    """What is known of a hit; between two weights, what lies between."""

    def by(kind: str, *features: float) -> _Weighed | None:
        line = calibration.line(kind, words)
        if line is None:
            return None
        row = np.array([features])
        (evidence,), (log_odds,) = line.evidence(row), line.log_odds(row, pictures)
        return _Weighed(float(log_odds), evidence - line.floor, evidence - line.best)

    score, alone = hit.score or 0.0, hit.image_score or 0.0
    if hit.agreement is None:  # beside captioned pictures its score is stretched to rank fairly
        return by(PICTURE, alone, lead * (alone / score if score else 1.0))
    share = abs(2 * weight - 1)
    both = by(FUSED, score, lead, hit.agreement)
    single = by(PICTURE if weight > 0.5 else CAPTION, score, lead)
    if share in (0, 1):
        return single if share else both
    return None if both is None or single is None else both.towards(single, share)
