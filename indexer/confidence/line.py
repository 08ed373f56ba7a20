"""A line: the evidence for a hit becomes the probability that it is right (Platt, 1999)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

PICTURE, CAPTION, FUSED = "picture", "caption", "fused"  # what a score is made from
KINDS = (PICTURE, CAPTION, FUSED)
FEATURES = {PICTURE: 2, CAPTION: 2, FUSED: 3}  # score and lead; fused also the agreement


@dataclass(frozen=True, slots=True)
class Line:
    """Log odds of what a hit tells: `slopes @ features + size * ln(n) + shift`.

    The features of a hit are its score, its lead (how far it is above the best of all others;
    negative for all but the first) and, where picture and caption both count, the cosine of the
    two; `n` is the number of pictures that might have been found. `slopes @ features` is the
    evidence, of which less than `floor` is too little. That does not depend on `n`: what is in a
    library does not become doubtful as it grows.
    """

    slopes: tuple[float, ...]
    size: float
    shift: float
    floor: float

    def evidence(self, features: NDArray[np.floating]) -> Values:
        """The evidence (n,) of hits with features (n, f), of each whatever the others are.

        A product of matrices rounds by how many rows there are.
        """
        found: Values = (np.asarray(features, np.float64) * np.array(self.slopes)).sum(axis=-1)
        return found

    def log_odds(self, features: NDArray[np.floating], pictures: int) -> Values:
        """Log odds (n,) by hits among so many pictures."""
        beside = self.size * float(np.log(max(pictures, 1))) + self.shift
        return np.asarray(self.evidence(features) + beside)

    def towards(self, other: Line, share: float) -> Line:
        """The line that lies between this one (share 0) and another one (share 1)."""

        def between(one: float, two: float) -> float:
            return (1 - share) * one + share * two

        slopes = tuple(map(between, self.slopes, other.slopes))
        names = ("size", "shift", "floor")
        return Line(slopes, *(between(getattr(self, name), getattr(other, name)) for name in names))


@dataclass(frozen=True, slots=True)
class Lines:
    """What a hit tells: that it is right (`hit`), and as the best hit of an answer, that what is
    asked for is there at all (`answer`), at whatever place.

    A hit is doubtful when it has too little evidence by the first, and all hits are when the best
    has too little by the second. A lead tells much of which hit is right, and little of whether any
    is: so they are two.
    """

    hit: Line
    answer: Line

    def towards(self, other: Lines, share: float) -> Lines:
        """The lines that lie between these (share 0) and others (share 1)."""
        return Lines(self.hit.towards(other.hit, share), self.answer.towards(other.answer, share))


def leads(scores: NDArray[np.floating]) -> Values:
    """How far each score (..., k) is above the best of the others; 0 for a score that is alone."""
    if scores.shape[-1] < 2:
        return np.zeros(scores.shape)
    second, best = np.moveaxis(np.partition(scores, -2, axis=-1)[..., -2:, None], -2, 0)
    first = np.arange(scores.shape[-1]) == scores.argmax(axis=-1)[..., None]
    return np.asarray(scores - np.where(first, second, best), np.float64)


def probability(log_odds: Values) -> Values:
    """The probability behind log odds."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))


def fitted(
    features: Sequence[Values], right: Sequence[NDArray[np.bool_]], sizes: Sequence[int]
) -> tuple[Values, float, float]:
    """Slopes, size and shift by the likelihood of trials, each (hits, f) in so many pictures.

    A weak prior keeps them finite where right and wrong are parted entirely.
    """
    counts = [len(rows) for rows in features]
    columns = [np.concatenate(features), np.log(np.repeat(sizes, counts))[:, None]]
    columns.append(np.ones((sum(counts), 1)))
    found = _logistic(np.concatenate(columns, axis=1), np.concatenate(right).astype(np.float64))
    return found[:-2], float(found[-2]), float(found[-1])


def _logistic(a: Values, y: Values, prior: float = 1e-2, steps: int = 50) -> Values:
    """Coefficients (f,) of logistic regression by Newton's method, for `a` (n, f) and `y` (n,)."""
    w = np.zeros(a.shape[1])
    for _ in range(steps):
        p = probability(a @ w)
        gradient = a.T @ (p - y) + prior * w
        curvature = (a * (p * (1 - p))[:, None]).T @ a + prior * np.eye(len(w))
        step = np.linalg.solve(curvature, gradient)
        w = w - step
        if np.abs(step).max() < 1e-8:
            break
    return w
