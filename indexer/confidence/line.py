"""Lines turn the evidence for a hit into the probability that it is right (Platt, 1999)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

PICTURE, CAPTION, FUSED = "picture", "caption", "fused"  # kinds of scores
KINDS = (PICTURE, CAPTION, FUSED)


@dataclass(frozen=True, slots=True)
class Line:
    """Log odds of a hit: `slopes @ features + size * ln(n) + shift`.

    The features of a hit are its score, its lead (the distance from the best of all other hits;
    negative except for the first) and, if picture and caption both count, the cosine of the two;
    `n` is the number of searched pictures. `slopes @ features` is the evidence; less than `floor`
    is too little. The evidence does not depend on `n`, so pictures do not become doubtful as their
    library grows.
    """

    slopes: tuple[float, ...]
    size: float
    shift: float
    floor: float

    def evidence(self, features: NDArray[np.floating]) -> Values:
        """The evidence (n,) of hits with features (n, f), each independent of the others.

        A matrix product would round by the number of rows.
        """
        products: Values = (np.asarray(features, np.float64) * np.array(self.slopes)).sum(axis=-1)
        return products

    def log_odds(self, features: NDArray[np.floating], pictures: int) -> Values:
        """Log odds (n,) of hits, when `pictures` were searched."""
        offset = self.size * float(np.log(max(pictures, 1))) + self.shift
        return np.asarray(self.evidence(features) + offset)

    def towards(self, other: Line, share: float) -> Line:
        """Interpolate between this line (share 0) and another one (share 1)."""

        def between(one: float, two: float) -> float:
            return (1 - share) * one + share * two

        slopes = tuple(map(between, self.slopes, other.slopes))
        names = ("size", "shift", "floor")
        return Line(slopes, *(between(getattr(self, name), getattr(other, name)) for name in names))


@dataclass(frozen=True, slots=True)
class Lines:
    """Two lines: that a hit is right (`hit`), and, by the best hit, that any is (`answer`).

    A hit with too little evidence by the first line is doubtful; if the best hit has too little
    by the second, all hits are. There are two lines because a lead says much about which hit is
    right, but little about whether one is.
    """

    hit: Line
    answer: Line

    def towards(self, other: Lines, share: float) -> Lines:
        """Interpolate between these lines (share 0) and others (share 1)."""
        return Lines(self.hit.towards(other.hit, share), self.answer.towards(other.answer, share))


def leads(scores: NDArray[np.floating], leading: NDArray[np.floating] | None = None) -> Values:
    """Distance of each score (…, k) from the best of all others; 0 for a score that is alone.

    `leading`: the highest of all scores, best first, if `scores` are only some of them.
    """
    if leading is None:
        leading = np.sort(scores, axis=-1)[..., ::-1]
    if leading.shape[-1] < 2:
        return np.zeros(scores.shape)
    best, second = leading[..., :1], leading[..., 1:2]
    return np.asarray(scores - np.where(scores >= best, second, best), np.float64)


def probability(log_odds: Values) -> Values:
    """Turn log odds into probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))


def fitted(
    features: Sequence[Values], right: Sequence[NDArray[np.bool_]], sizes: Sequence[int]
) -> tuple[Values, float, float]:
    """Fit slopes, size and shift by maximum likelihood to trials of (hits, f) features.

    `sizes`: the number of searched pictures of each trial. A weak prior keeps the result finite if
    right and wrong are perfectly separable.
    """
    counts = [len(rows) for rows in features]
    columns = [np.concatenate(features), np.log(np.repeat(sizes, counts))[:, None]]
    columns.append(np.ones((sum(counts), 1)))
    fit = _logistic(np.concatenate(columns, axis=1), np.concatenate(right).astype(np.float64))
    return fit[:-2], float(fit[-2]), float(fit[-1])


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
