"""How sure a hit is: evidence becomes a probability by the library's calibration.

It is the probability that the hit is what was asked for, where what is asked for is in the library
as often as not. Only words that are asked for have one: captions tell which picture is right, and
nothing tells how alike two pictures have to be, or what is far enough from a term taken away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import WordLookup
from indexer.confidence.calibration import Calibration
from indexer.confidence.line import CAPTION, FUSED, PICTURE, Line, Values, leads, probability
from search.answer.hits import Hit
from search.query.terms import Query
from search.words.query_words import QueryWords


def askable(query: Query) -> bool:
    """Whether hits of a query can have a confidence: it asks for words, and for nothing else."""
    return bool(query.terms) and all(t.picture is None and t.weight > 0 for t in query.terms)


def weighed(
    hits: Sequence[Hit],
    query: Query,
    calibration: Calibration,
    pictures: int,
    *,
    best: Sequence[Hit],
    leading: NDArray[np.floating],
) -> tuple[tuple[Hit, ...], float | None]:
    """Hits of an answer, found among so many pictures, with their confidence; and the probability
    that what is asked for is among the pictures at all, None where nothing is known of it.

    `best` is its best hit alone, and `leading` are the scores of its two best: the hits may be
    those of another page, and in another order. Doubtful are hits without enough evidence, and all
    hits of an answer whose best has too little; but never one that is rather right than wrong, or
    has a name which was asked for.
    """
    if not hits or not calibration.lines:
        return tuple(hits), None
    words = sum(len(term.text.split()) for term in query.terms)
    weight = query.weight or 0.0
    lines = {kind: calibration.lines_for(kind, words) for kind in _kinds(weight)}
    of_hits = {kind: None if own is None else own.hit for kind, own in lines.items()}
    of_answers = {kind: None if own is None else own.answer for kind, own in lines.items()}
    log_odds, spare = _known(hits, leading, weight, of_hits, pictures).T
    there, enough = _known(best, leading, weight, of_answers, pictures).T
    hopeless, sure = bool((enough < 0).any()), probability(log_odds).tolist()
    shown = tuple(
        hit
        if hit.words or np.isnan(confidence)
        else replace(hit, confidence=confidence, doubtful=(hopeless or above < 0) and not likely)
        for hit, confidence, above, likely in zip(
            hits, sure, spare.tolist(), log_odds > 0, strict=True
        )
    )
    return shown, next((p for p in probability(there).tolist() if not np.isnan(p)), None)


def kept_by_words(lookup: WordLookup, hits: Sequence[Hit], query: Query) -> tuple[Hit, ...]:
    """The hits, none of them doubtful whose caption, name or tags have all words of the query."""
    words = QueryWords.of(query).words
    ids = [hit.picture_id for hit in hits if hit.doubtful]
    found = lookup.found(words, ids) if words and ids else {}
    having = {key for key, some in found.items() if {*some} == {*words}}
    return tuple(replace(hit, doubtful=False) if hit.picture_id in having else hit for hit in hits)


def _kinds(weight: float) -> tuple[str, str, str]:
    """What scores are made from: without a caption, with both, and with what counts for more."""
    return PICTURE, FUSED, PICTURE if weight > 0.5 else CAPTION


def _known(
    hits: Sequence[Hit],
    leading: NDArray[np.floating],
    weight: float,
    lines: Mapping[str, Line | None],
    pictures: int,
) -> Values:
    """What is known of hits, (n, 2), as `_told` says; NaN where nothing is.

    Between two weights it is what lies between. A picture without a caption is judged by itself
    alone: beside captioned ones its score was only stretched to rank fairly.
    """
    score = np.array([hit.score for hit in hits], np.float64)
    alone = np.array([hit.image_score for hit in hits], np.float64)
    agreement = np.array([hit.agreement for hit in hits], np.float64)  # NaN without a caption
    captioned, share = ~np.isnan(agreement), abs(2 * weight - 1)
    lead = leads(score, leading)
    stretched = np.where(score == 0, 1, alone / np.where(score == 0, 1, score))
    plain = _told(lines[PICTURE], np.stack([alone, lead * stretched], axis=1), pictures)
    rows = np.stack([score, lead, agreement], axis=1)
    _, _, kind = _kinds(weight)
    single = _told(lines[kind], rows[:, :2], pictures) if share else 0.0
    both = _told(lines[FUSED], rows, pictures) if share < 1 else 0.0
    return np.where(captioned[:, None], (1 - share) * both + share * single, plain)


def _told(line: Line | None, features: NDArray[np.float64], pictures: int) -> Values:
    """What a line tells by hits, (n, 2): log odds, and how far the evidence is above its floor."""
    if line is None:
        return np.full((len(features), 2), np.nan)
    above = line.evidence(features) - line.floor
    return np.stack([line.log_odds(features, pictures), above], axis=1)


def guessed(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The hits of a query that asks nothing: doubtful, and nothing tells how much."""
    return tuple(replace(hit, confidence=None, doubtful=True) for hit in hits)
