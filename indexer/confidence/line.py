"""Lines turn the evidence for a hit into the probability that it is right (Platt, 1999)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

PICTURE, CAPTION, FUSED = "picture", "caption", "fused"  # kinds of scores
KINDS = (PICTURE, CAPTION, FUSED)


@dataclass(frozen=True, slots=True)
class Line:
    """The probability that a hit is right: `ceiling / (1 + exp(-log odds))`.

    Its log odds are `slopes @ features + size * ln(n) + shift`. The ceiling is below 1 since not
    all that a picture shows is said in its captions: even the best hits seem wrong at times.
    The features of a hit are those of `hit_features`; `n` is the number of searched pictures.
    `slopes @ features` is the evidence; less than `floor` is too little. The evidence does not
    depend on `n`, so pictures do not become doubtful as their library grows. The slopes of score
    and lead are not negative for hits, so that within an answer the probabilities fall as the
    scores do.
    """

    slopes: tuple[float, ...]
    size: float
    shift: float
    floor: float
    ceiling: float = 1.0

    def evidence(self, features: NDArray[np.floating]) -> Values:
        """The evidence (n,) of hits with features (n, f), each independent of the others.

        A matrix product would round by the number of rows.
        """
        products: Values = (np.asarray(features, np.float64) * np.array(self.slopes)).sum(axis=-1)
        return products

    def probability(self, features: NDArray[np.floating], pictures: int) -> Values:
        """The probabilities (n,) that hits are right, when `pictures` were searched."""
        offset = self.size * float(np.log(max(pictures, 1))) + self.shift
        return np.asarray(self.ceiling * probability(self.evidence(features) + offset))

    def stretched(self, gain: float) -> Line:
        """The same line for scores and leads that were multiplied by a gain."""
        return replace(self, slopes=tuple(slope / gain for slope in self.slopes))

    def towards(self, other: Line, share: float) -> Line:
        """Interpolate between this line (share 0) and another one (share 1)."""

        def between(one: float, two: float) -> float:
            return (1 - share) * one + share * two

        slopes = tuple(map(between, self.slopes, other.slopes))
        names = ("size", "shift", "floor", "ceiling")
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

    def stretched(self, gain: float) -> Lines:
        """The same lines for scores that were multiplied by a gain."""
        return Lines(self.hit.stretched(gain), self.answer.stretched(gain))

    def towards(self, other: Lines, share: float) -> Lines:
        """Interpolate between these lines (share 0) and others (share 1)."""
        return Lines(self.hit.towards(other.hit, share), self.answer.towards(other.answer, share))


def hit_features(
    scores: NDArray[np.floating],
    lead: Values,
    level: NDArray[np.floating],
    spread: NDArray[np.floating],
) -> Values:
    """The features (…, k, 3) of hits that evidence is made of.

    The score above its `level`, the mean score of all pictures for the query; the lead; and the
    `spread`, the standard deviation of all scores. The last is the same for all hits of a query:
    it tells a word that parts the pictures of a library from one that says nothing of them.
    """
    parts = np.broadcast_arrays(scores - level, lead, spread)
    return np.stack(parts, axis=-1).astype(np.float64)


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


def probability(log_odds: Values | float) -> Values:
    """Turn log odds into probabilities."""
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))


def fitted(
    features: Sequence[Values], right: Sequence[NDArray[np.bool_]], sizes: Sequence[int]
) -> tuple[Values, float, float, float]:
    """Fit slopes, size, shift and ceiling by maximum likelihood to trials of (hits, f) features.

    `sizes`: the number of searched pictures of each trial. A weak prior keeps the result finite if
    right and wrong are perfectly separable.
    """
    counts = [len(rows) for rows in features]
    columns = [np.concatenate(features), np.log(np.repeat(sizes, counts))[:, None]]
    columns.append(np.ones((sum(counts), 1)))
    fit, ceiling = _capped_logistic(
        np.concatenate(columns, axis=1), np.concatenate(right).astype(np.float64)
    )
    return fit[:-2], float(fit[-2]), float(fit[-1]), ceiling


def _capped_logistic(
    a: Values, y: Values, prior: float = 1e-2, steps: int = 100
) -> tuple[Values, float]:
    """Coefficients (f,) and ceiling c of P(y) = c / (1 + exp(-a @ w)), for `a` (n, f) and `y` (n,).

    Fisher scoring (McCullagh and Nelder, 1989) with the log odds of c as one more coefficient; a
    step that makes the fit worse is halved.
    """
    w = np.append(np.zeros(a.shape[1]), 2.0)

    def loss(w: Values) -> float:
        p = np.clip(probability(a @ w[:-1]) * probability(w[-1]), 1e-12, 1 - 1e-12)
        return float(-(y * np.log(p) + (1 - y) * np.log(1 - p)).sum() + prior / 2 * (w @ w))

    now = loss(w)
    for _ in range(steps):
        share, ceiling = probability(a @ w[:-1]), probability(w[-1])
        p = np.clip(ceiling * share, 1e-12, 1 - 1e-12)
        slopes = np.append(a * (p * (1 - share))[:, None], (p * (1 - ceiling))[:, None], axis=1)
        certainty = 1 / (p * (1 - p))
        gradient = slopes.T @ ((p - y) * certainty) + prior * w
        information = (slopes * certainty[:, None]).T @ slopes + prior * np.eye(len(w))
        step = np.linalg.solve(information, gradient)
        while (then := loss(w - step)) > now and np.abs(step).max() > 1e-8:
            step = step / 2
        if then > now or np.abs(step).max() < 1e-6:
            break
        w, now = w - step, then
    return w[:-1], float(probability(w[-1]))
