"""Confidence: the library's calibration turns the evidence for a hit into a probability.

It is the probability that the hit is what was searched for, given that the library has that as
often as not. Only queries of words have one: captions tell which picture is right, but nothing
tells how alike two pictures have to be, or how far a hit has to be from a negative term.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.words import WordLookup
from indexer.confidence.calibration import Calibration
from indexer.confidence.line import (
    CAPTION,
    FUSED,
    PICTURE,
    Line,
    Lines,
    Values,
    hit_features,
    leads,
)
from indexer.encoders.mini.noun_phrases import without_prefix
from indexer.errors import QueryError
from indexer.library.searchable import Searchable
from search.answer.hits import Hit
from search.query.options import WORDS, SearchOptions
from search.query.terms import Query
from search.words.query_words import QueryWords


def askable(query: Query) -> bool:
    """Whether hits of a query can have a confidence: all of its terms are words, none negative."""
    return bool(query.terms) and all(t.picture is None and t.weight > 0 for t in query.terms)


@dataclass(frozen=True, slots=True)
class Searched:
    """The pictures that an answer was found among: their number, and how they score.

    `captioned`: the share of the library's pictures that have a caption. `gain` multiplied the
    scores of the others. `level` and `spread`: mean and standard deviation of the scores of all
    pictures. `leading`: the two best scores of the whole answer.
    """

    pictures: int
    captioned: float
    gain: float
    level: float
    spread: float
    leading: NDArray[np.floating]


def check_threshold(
    library: Searchable, subject: Query | int | None, options: SearchOptions
) -> None:
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
    searched: Searched,
) -> tuple[tuple[Hit, ...], float | None]:
    """The hits with their confidence, and the probability that the library has what they show.

    One line judges all hits of an answer by their scores, so that no hit is more likely than one
    before it. A hit is doubtful without enough evidence, and so is every hit if the best has too
    little; but never one that is more likely right than wrong, or that has a name of the query.
    The probability is None if it is not known.
    """
    lines = lines_of_answer(calibration, query, searched)
    if not hits or lines is None:
        return tuple(hits), None
    sure, above_floor = _evidence(lines.hit, [_score(hit) for hit in hits], searched)
    present, best_above_floor = _evidence(lines.answer, searched.leading[:1], searched)
    hopeless = bool(best_above_floor[0] < 0)
    judged = tuple(
        hit
        if hit.words
        else replace(hit, confidence=p, doubtful=(hopeless or above < 0) and p <= 0.5)
        for hit, p, above in zip(hits, sure.tolist(), above_floor.tolist(), strict=True)
    )
    return judged, float(present[0])


def lines_of_answer(calibration: Calibration, query: Query, searched: Searched) -> Lines | None:
    """The lines that judge an answer; None if the calibration lacks a kind that they take.

    They lie between those of captioned and of other pictures, by the share of either, and, for a
    weight between 0.5 and an end, between those of the two weights.
    """
    words = _number_of_words(query)
    weight = query.weight or 0.0
    share = abs(2 * weight - 1)
    single = calibration.lines_for(PICTURE if weight > 0.5 else CAPTION, words)
    both = _lines_of_kinds(calibration, words, searched)
    if share == 1:
        return single
    if share == 0 or both is None or single is None:
        return both if share == 0 else None
    return both.towards(single, share)


def _number_of_words(query: Query) -> int:
    """The number of words that say what is asked for: "a photo of" says nothing of it."""
    terms = tuple(replace(term, text=without_prefix(term.text)) for term in query.as_read.terms)
    return len(QueryWords.of(replace(query, terms=terms)).words)


def _lines_of_kinds(calibration: Calibration, words: int, searched: Searched) -> Lines | None:
    """Lines for scores of which some are of pictures without a caption, stretched by the gain."""
    fused, alone = calibration.lines_for(FUSED, words), calibration.lines_for(PICTURE, words)
    if searched.captioned == 1 or (alone is None and searched.captioned > 0):
        return fused
    if alone is None or (fused is None and searched.captioned > 0.5):
        return None
    plain = alone.stretched(searched.gain)
    return plain if fused is None else plain.towards(fused, searched.captioned)


def trusted_by_words(lookup: WordLookup, hits: Sequence[Hit], query: Query) -> tuple[Hit, ...]:
    """The hits; those whose caption, name or tags have all words of the query are not doubtful.

    Neither are the hits before such a one: a list has no gaps.
    """
    words = QueryWords.of(query).words
    ids = [hit.picture_id for hit in hits if hit.doubtful]
    words_of = lookup.found(words, ids) if words and ids else {}
    having = {key for key, some in words_of.items() if {*some} == {*words}}
    sure = [n for n, hit in enumerate(hits) if not hit.doubtful or hit.picture_id in having]
    last = max(sure, default=-1)
    return tuple(replace(h, doubtful=h.doubtful and n > last) for n, h in enumerate(hits))


def _evidence(
    line: Line, scores: Sequence[float] | NDArray[np.floating], searched: Searched
) -> tuple[Values, Values]:
    """Probabilities (n,) of scores (n,), and how far (n,) their evidence is above the floor."""
    score = np.asarray(scores, np.float64)
    level, spread = np.array(searched.level), np.array(searched.spread)
    features = hit_features(score, leads(score, searched.leading), level, spread)
    return line.probability(features, searched.pictures), line.evidence(features) - line.floor


def _score(hit: Hit) -> float:
    assert hit.score is not None  # found by meaning
    return hit.score
