"""Fitting a calibration: a library's own captions search it, with and without the right picture."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from indexer.confidence.calibration import FEW_WORDS, LinesByLength
from indexer.confidence.line import CAPTION, KINDS, PICTURE, Line, Lines, Values, fitted
from indexer.confidence.pool import Pool
from indexer.confidence.queries import CalibrationQueries, Encode, sentences, words
from indexer.confidence.trials import Trial, TrialSetting, part_of, run_trial
from indexer.embedding import Ints, Mask

MOST_TARGETS = 1000  # most pictures that are searched for
FIT_FROM_TRIALS = 200  # fewer pictures give no reliable line
SMALLEST, SIZES = 30, 5  # pools: all pictures, a half, a quarter, …, with at least 30
HIDDEN = 0.005  # share of right hits and answers whose evidence may be below a line's `floor`
LinesByKind = dict[str, LinesByLength]


def fit(
    pools: Sequence[Pool],
    setting: TrialSetting,
    encode: Encode,
    *,
    seed: int = 0,
    kinds: Collection[str] = KINDS,
) -> tuple[LinesByKind, int]:
    """Fit lines by kind and length of a query to libraries; also returns the number of targets.

    For kinds that score captions, only pictures with a second caption can be targets. Kinds with
    fewer than `FIT_FROM_TRIALS` targets get no lines.
    """
    lines: LinesByKind = {}
    most = 0
    kinds = [kind for kind in kinds if kind != CAPTION or setting.fusion.weighable]
    for several in sorted({kind != PICTURE for kind in kinds}):
        rng = np.random.default_rng(seed)
        asked = [(pool, _targets(pool, rng, several=several)) for pool in pools]
        number = sum(len(targets) for _, targets in asked)
        queries = [
            [(pool, own) for pool, targets in asked if (own := queries_of(pool, targets, rng))]
            for queries_of in _queries(encode)
        ]
        if any(sum(len(own.rows) for _, own in q) < FIT_FROM_TRIALS for q in queries):
            continue
        for kind in kinds:
            if (kind != PICTURE) == several:
                word, few, sentence = (lines_by(own, kind, setting, rng) for own in queries)
                if word is not None and few is not None and sentence is not None:
                    lines[kind], most = (word, few, sentence), max(most, number)
    return lines, most


def _targets(pool: Pool, rng: np.random.Generator, *, several: bool) -> Ints:
    """The pictures of a pool to search for."""
    able = np.flatnonzero(pool.counts > int(several))
    return np.sort(rng.permutation(able)[:MOST_TARGETS])


def _queries(encode: Encode) -> Iterator[Callable[..., CalibrationQueries]]:
    """Functions that make queries of a word, of a few, and of a sentence, for targets of a pool."""
    yield lambda pool, targets, rng: words(pool, targets, (1,), rng, encode)
    yield lambda pool, targets, rng: words(pool, targets, range(2, FEW_WORDS + 1), rng, encode)
    yield sentences


def lines_by(
    queries: Sequence[tuple[Pool, CalibrationQueries]],
    kind: str,
    setting: TrialSetting,
    rng: np.random.Generator,
) -> Lines | None:
    """Fit lines to queries of pools, each searched whole and in parts."""
    trials = []
    for pool, own in queries:
        for size in _sizes(len(pool)):
            for _ in range(-(-min(MOST_TARGETS, len(pool)) // (2 * size))):
                trial = run_trial(*part_of(pool, own, size, rng), kind, setting, rng)
                trials.append(replace(trial, whole=size == len(pool)))
    return lines_of(trials)


def _sizes(pictures: int) -> list[int]:
    """Sizes of the pools to search, from which a line learns the effect of size."""
    halves = [pictures >> n for n in range(SIZES)]
    return [size for size in halves if size >= SMALLEST] or [pictures]


def lines_of(trials: Sequence[Trial]) -> Lines | None:
    """Fit lines to trials of one kind.

    None if a higher score is no evidence for a hit, or if no right picture was found. If the best
    score tells nothing of an answer, all answers are equally likely.
    """
    hit = _line_of([_hits(trial) for trial in trials], rising=True)
    answer = _line_of([_answers(trial) for trial in trials], rising=False)
    return None if hit is None else Lines(hit, answer or _equally_likely(trials))


def _equally_likely(trials: Sequence[Trial]) -> Line:
    """The line that gives every answer the share of those that are there."""
    there, all_trials = sum(t.present.sum() for t in trials), sum(len(t.present) for t in trials)
    return Line((0.0, 0.0, 0.0), 0.0, 0.0, 0.0, 2 * float(there / all_trials))


class _Cases(NamedTuple):
    """Cases to fit a line to: `features` (n, f) and outcomes `true` (n,), with `size` pictures.

    Nearly all cases that are `certain` (n,) must end up with enough evidence.
    """

    features: Values
    true: Mask
    certain: Mask
    size: int
    whole: bool


def _hits(trial: Trial) -> _Cases:
    """Cases of hits, true if right; the right ones are certain."""
    finite = np.isfinite(trial.features[..., 0])
    right = trial.right[finite]
    return _Cases(trial.features[finite], right, right, trial.size, trial.whole)


def _answers(trial: Trial) -> _Cases:
    """Cases of answers, true if a right picture is there; those that found one are certain."""
    finite = np.isfinite(trial.features[:, 0, 0])
    found = np.asarray(trial.right[finite].any(axis=1))
    present = trial.present[finite]
    return _Cases(trial.features[finite, 0], present, found, trial.size, trial.whole)


def _line_of(cases: Sequence[_Cases], *, rising: bool) -> Line | None:
    """The line of cases; if `rising`, neither a higher score nor a lead may lower it.

    Only hits are judged by the spread of scores as well: it says nothing of what is missing.
    """
    line = _fitted_to(cases, [0, 1, 2] if rising else [0, 1])
    if rising and line.slopes[1] < 0:  # of many right pictures none leads: the score alone counts
        line = _fitted_to(cases, [0, 2])
    if line.slopes[0] <= 0 or not any(own.certain.any() for own in cases):
        return None
    return replace(line, floor=_floor(cases, np.array(line.slopes)))


def _fitted_to(cases: Sequence[_Cases], used: Sequence[int]) -> Line:
    """The line of cases by some of their features; the slopes of the others are zero."""
    features, true, sizes = zip(
        *((c.features[:, used], c.true, c.size) for c in cases), strict=True
    )
    found, size, shift, ceiling = fitted(features, true, sizes)
    slopes = np.zeros(3)
    slopes[[*used]] = found
    return Line(tuple(slopes.tolist()), size, shift, -np.inf, ceiling)


def _floor(cases: Sequence[_Cases], slopes: Values) -> float:
    """The evidence that nearly all certain cases exceed in whole libraries.

    Parts of one do not count: even a bad hit is among the first there.
    """
    certain = [own.features[own.certain] @ slopes for own in cases if own.whole]
    evidence = np.concatenate(certain)
    return float(np.quantile(evidence, HIDDEN)) if len(evidence) else -np.inf
