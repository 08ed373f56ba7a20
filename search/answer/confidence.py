"""Confidence: the library's calibration turns the evidence for a hit into a probability.

It is the probability that the hit is what was searched for, given that the library has that as
often as not. Only queries of words have one: captions tell which picture is right, but nothing
tells how alike two pictures have to be, or how far a hit has to be from a negative term.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import WordLookup
from indexer.confidence.calibration import Calibration
from indexer.confidence.line import CAPTION, FUSED, PICTURE, Line, Values, leads, probability
from indexer.errors import QueryError
from indexer.library.library import Library
from search.answer.hits import Hit
from search.query.options import WORDS, SearchOptions
from search.query.terms import Query
from search.words.query_words import QueryWords


def askable(query: Query) -> bool:
    """Whether hits of a query can have a confidence: all of its terms are words, none negative."""
    return bool(query.terms) and all(t.picture is None and t.weight > 0 for t in query.terms)


def check_threshold(library: Library, subject: Query | int | None, options: SearchOptions) -> None:
    """Raise `QueryError` for a lowest confidence where hits have none to compare with it."""
    if options.min_confidence is None:
        return
    words = isinstance(subject, Query) and askable(subject) and options.mode != WORDS
    if not words or options.like or options.unlike:
        raise QueryError(
            "a lowest confidence is for searches by meaning, for words that are added up; other "
            "hits have none to compare (for a lowest score: --least)"
        )
    if not library.calibration.lines:
        raise QueryError(
            "this library knows no confidence yet, so there is none to compare; use a lowest score "
            "instead (--least)"
        )


def with_confidence(
    hits: Sequence[Hit],
    query: Query,
    calibration: Calibration,
    pictures: int,
    *,
    best: Sequence[Hit],
    leading: NDArray[np.floating],
) -> tuple[tuple[Hit, ...], float | None]:
    """The hits with their confidence, and the probability that the library has what they show.

    `pictures`: number that were searched. `best` is the best hit of the whole answer, and `leading`
    are the scores of its two best: the hits may be of another page, in another order. A hit is
    doubtful without enough evidence, and so is every hit if the best has too little; but never one
    that is more likely right than wrong, or that has a name of the query. The probability is None
    if it is not known.
    """
    if not hits or not calibration.lines:
        return tuple(hits), None
    words = sum(len(term.text.split()) for term in query.terms)
    weight = query.weight or 0.0
    lines = {kind: calibration.lines_for(kind, words) for kind in _kinds(weight)}
    of_hits = {kind: None if own is None else own.hit for kind, own in lines.items()}
    of_answers = {kind: None if own is None else own.answer for kind, own in lines.items()}
    log_odds, above_floor = _evidence(hits, leading, weight, of_hits, pictures).T
    present, best_above_floor = _evidence(best, leading, weight, of_answers, pictures).T
    hopeless = bool((best_above_floor < 0).any())
    judged = tuple(
        hit
        if hit.words or np.isnan(confidence)
        else replace(hit, confidence=confidence, doubtful=(hopeless or above < 0) and not likely)
        for hit, confidence, above, likely in zip(
            hits, probability(log_odds).tolist(), above_floor.tolist(), log_odds > 0, strict=True
        )
    )
    return judged, next((p for p in probability(present).tolist() if not np.isnan(p)), None)


def trusted_by_words(lookup: WordLookup, hits: Sequence[Hit], query: Query) -> tuple[Hit, ...]:
    """The hits; those whose caption, name or tags have all words of the query are not doubtful."""
    words = QueryWords.of(query).words
    ids = [hit.picture_id for hit in hits if hit.doubtful]
    words_of = lookup.found(words, ids) if words and ids else {}
    having = {key for key, some in words_of.items() if {*some} == {*words}}
    return tuple(replace(hit, doubtful=False) if hit.picture_id in having else hit for hit in hits)


def _kinds(weight: float) -> tuple[str, str, str]:
    """The kinds of calibration: without a caption, fused, and by the half that counts for more."""
    return PICTURE, FUSED, PICTURE if weight > 0.5 else CAPTION


def _evidence(
    hits: Sequence[Hit],
    leading: NDArray[np.floating],
    weight: float,
    lines: Mapping[str, Line | None],
    pictures: int,
) -> Values:
    """Log odds and evidence of hits, (n, 2), as `_by_line` gives them; NaN if not known.

    A weight between 0.5 and an end interpolates the two. A picture without a caption is judged by
    itself alone: its score was only stretched to rank fairly beside captioned ones.
    """
    score = np.array([hit.score for hit in hits], np.float64)
    alone = np.array([hit.image_score for hit in hits], np.float64)
    agreement = np.array([hit.agreement for hit in hits], np.float64)  # NaN without a caption
    captioned, share = ~np.isnan(agreement), abs(2 * weight - 1)
    lead = leads(score, leading)
    stretched = np.where(score == 0, 1, alone / np.where(score == 0, 1, score))
    plain = _by_line(lines[PICTURE], np.stack([alone, lead * stretched], axis=1), pictures)
    rows = np.stack([score, lead, agreement], axis=1)
    _, _, kind = _kinds(weight)
    single = _by_line(lines[kind], rows[:, :2], pictures) if share else 0.0
    both = _by_line(lines[FUSED], rows, pictures) if share < 1 else 0.0
    return np.where(captioned[:, None], (1 - share) * both + share * single, plain)


def _by_line(line: Line | None, features: NDArray[np.float64], pictures: int) -> Values:
    """Log odds and the distance of the evidence from its floor, (n, 2); NaN without a line."""
    if line is None:
        return np.full((len(features), 2), np.nan)
    above = line.evidence(features) - line.floor
    return np.stack([line.log_odds(features, pictures), above], axis=1)
