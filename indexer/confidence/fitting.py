"""Fitting a calibration: a library is asked with its own captions, the answer there or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from indexer.confidence.asking import Asking, Encode, sentences, words
from indexer.confidence.line import CAPTION, FUSED, KINDS, PICTURE, Line, Values, fitted
from indexer.confidence.pool import Pool
from indexer.confidence.trials import Setting, Trial, part_of, tried

ASKED = 1000  # pictures that are asked for, at most
FEW = 200  # fewer of them tell too little
SMALLEST, SIZES = 30, 5  # libraries of a half, a quarter, … of the pictures, down to so many
HIDDEN = 0.015  # the share of right hits that have less evidence than a line's `floor` or `best`
Lines = dict[str, tuple[Line, Line]]


def fit(pool: Pool, setting: Setting, encode: Encode, *, seed: int = 0) -> tuple[Lines, int]:
    """Lines by kind, for a word and a sentence, and how many pictures were asked for.

    Where a caption counts, only pictures with another caption can be asked for; kinds with fewer
    than `FEW` pictures to ask for are left out.
    """
    lines: Lines = {}
    most = 0
    kinds = KINDS if setting.fusion.weighable else (PICTURE, FUSED)
    for several in (False, True):
        rng = np.random.default_rng(seed)
        able = np.flatnonzero(pool.counts > int(several))
        if len(able) < FEW:
            continue
        chosen = np.sort(rng.permutation(able)[:ASKED])
        asked = (words(pool, chosen, rng, encode), sentences(pool, chosen, rng))
        for kind in kinds:
            if (kind in (CAPTION, FUSED)) == several and all(len(a.rows) >= FEW for a in asked):
                word, sentence = (_line(pool, asking, kind, setting, rng) for asking in asked)
                if word is not None and sentence is not None:
                    lines[kind], most = (word, sentence), max(most, len(chosen))
    return lines, most


def _line(
    pool: Pool, asking: Asking, kind: str, setting: Setting, rng: np.random.Generator
) -> Line | None:
    trials = []
    for size in _sizes(len(pool)):
        for _ in range(-(-min(ASKED, len(pool)) // (2 * size))):
            trials.append(tried(*part_of(pool, asking, size, rng), kind, setting, rng))
    return line_of(trials)


def _sizes(pictures: int) -> list[int]:
    """The sizes of the libraries that are asked: so the line learns what a size does."""
    halves = [pictures >> n for n in range(SIZES)]
    return [size for size in halves if size >= SMALLEST] or [pictures]


def line_of(trials: Sequence[Trial]) -> Line | None:
    """The line that fits trials of one kind best, and the least evidence of right answers.

    None where a greater score is no evidence, or where no right picture was found at all.
    """
    known = [np.isfinite(trial.features[..., 0]) for trial in trials]
    features = [trial.features[own] for trial, own in zip(trials, known, strict=True)]
    right = [trial.right[own] for trial, own in zip(trials, known, strict=True)]
    slopes, size, shift = fitted(features, right, [trial.size for trial in trials])
    if slopes[0] <= 0 or not any(own.any() for own in right):
        return None
    floor, best = _least(trials, slopes)
    return Line(tuple(float(slope) for slope in slopes), size, shift, floor, best)


def _least(trials: Sequence[Trial], slopes: Values) -> tuple[float, float]:
    """What right hits have at least, and the best hits of answers that hold one.

    It is asked of the largest libraries: in a small one even a bad hit is among the first.
    """
    largest = max(trial.size for trial in trials)
    chosen = [trial for trial in trials if trial.size == largest]
    hits = np.concatenate([trial.features[trial.right] @ slopes for trial in chosen])
    first = [trial.features[trial.right.any(axis=1), 0] @ slopes for trial in chosen]
    found = (hits, np.concatenate(first))
    floor, best = (float(np.quantile(x, HIDDEN)) if len(x) else -np.inf for x in found)
    return floor, best
