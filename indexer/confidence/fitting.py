"""Fitting a calibration: a library is asked with its own captions, the answer there or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.confidence.line import CAPTION, FUSED, KINDS, PICTURE, Line, Lines, Values, fitted
from indexer.confidence.pool import Pool
from indexer.confidence.queries import CalibrationQueries, Encode, sentences, words
from indexer.confidence.trials import Trial, TrialSetting, part_of, tried

ASKED = 1000  # pictures that are asked for, at most
FIT_FROM_TRIALS = 200  # fewer of them tell too little
SMALLEST, SIZES = 30, 5  # libraries of a half, a quarter, … of the pictures, down to so many
HIDDEN = 0.015  # the share of what is to be kept that has less evidence than a line's `floor`
Truths = NDArray[np.bool_]
Found = dict[str, tuple[Lines, Lines]]


def fit(pool: Pool, setting: TrialSetting, encode: Encode, *, seed: int = 0) -> tuple[Found, int]:
    """Lines by kind, for a word and a sentence, and how many pictures were asked for.

    Where a caption counts, only pictures with another caption can be asked for; kinds with fewer
    than `FIT_FROM_TRIALS` pictures to ask for are left out.
    """
    lines: Found = {}
    most = 0
    kinds = KINDS if setting.fusion.weighable else (PICTURE, FUSED)
    for several in (False, True):
        rng = np.random.default_rng(seed)
        able = np.flatnonzero(pool.counts > int(several))
        if len(able) < FIT_FROM_TRIALS:
            continue
        chosen = np.sort(rng.permutation(able)[:ASKED])
        asked = (words(pool, chosen, rng, encode), sentences(pool, chosen, rng))
        for kind in kinds:
            if (kind in (CAPTION, FUSED)) == several and all(
                len(a.rows) >= FIT_FROM_TRIALS for a in asked
            ):
                word, sentence = (_lines(pool, asking, kind, setting, rng) for asking in asked)
                if word is not None and sentence is not None:
                    lines[kind], most = (word, sentence), max(most, len(chosen))
    return lines, most


def _lines(
    pool: Pool,
    asking: CalibrationQueries,
    kind: str,
    setting: TrialSetting,
    rng: np.random.Generator,
) -> Lines | None:
    trials = []
    for size in _sizes(len(pool)):
        for _ in range(-(-min(ASKED, len(pool)) // (2 * size))):
            trials.append(tried(*part_of(pool, asking, size, rng), kind, setting, rng))
    return lines_of(trials)


def _sizes(pictures: int) -> list[int]:
    """The sizes of the libraries that are asked: so the line learns what a size does."""
    halves = [pictures >> n for n in range(SIZES)]
    return [size for size in halves if size >= SMALLEST] or [pictures]


def lines_of(trials: Sequence[Trial]) -> Lines | None:
    """The lines that fit trials of one kind best.

    None where a greater score is no evidence, or where no right picture was found at all.
    """
    hit = _line_of([_hits(trial) for trial in trials])
    answer = _line_of([_answers(trial) for trial in trials])
    return None if hit is None or answer is None else Lines(hit, answer)


class _Cases(NamedTuple):
    """What a line is fitted to: `features` (n, f) of which it is `true` (n,) or not, in a library
    of so many pictures; of those that are `kept` (n,) nearly all must have enough evidence.
    """

    features: Values
    true: Truths
    kept: Truths
    size: int


def _hits(trial: Trial) -> _Cases:
    """Hits are right or not; right ones are kept."""
    known = np.isfinite(trial.features[..., 0])
    right = trial.right[known]
    return _Cases(trial.features[known], right, right, trial.size)


def _answers(trial: Trial) -> _Cases:
    """What is asked for is there or not; answers that hold it are kept."""
    known = np.isfinite(trial.features[:, 0, 0])
    found = np.asarray(trial.right[known].any(axis=1))
    return _Cases(trial.features[known, 0], trial.present[known], found, trial.size)


def _line_of(cases: Sequence[_Cases]) -> Line | None:
    features, true, kept, sizes = zip(*cases, strict=True)
    slopes, size, shift = fitted(features, true, sizes)
    if slopes[0] <= 0 or not any(own.any() for own in kept):
        return None
    return Line(tuple(float(slope) for slope in slopes), size, shift, _least(cases, slopes))


def _least(cases: Sequence[_Cases], slopes: Values) -> float:
    """The evidence that nearly all kept ones have in the largest libraries: in a small one even
    a bad hit is among the first.
    """
    largest = max(own.size for own in cases)
    kept = [own.features[own.kept] @ slopes for own in cases if own.size == largest]
    found = np.concatenate(kept)
    return float(np.quantile(found, HIDDEN)) if len(found) else -np.inf
