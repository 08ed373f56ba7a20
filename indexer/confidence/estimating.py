"""Estimating a calibration without captions, from a library's own pictures and a list of texts.

The list has everyday texts that pictures show ("dog", "a boat lies on the calm water near the
shore") and others that hardly any shows ("sextant", "third amendment"). A made query for a picture
is its row mixed with that of an absent text. Its share is drawn at random, up to the one with which
the best hits of made queries score as those of everyday texts do. Made queries then play the game
of `fitting`, for it is known which pictures they are right for: one, or for a few words, those that
are most like it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.confidence.fitting import MOST_TARGETS, LinesByKind, lines_by
from indexer.confidence.line import PICTURE, Lines
from indexer.confidence.pool import Pool
from indexer.confidence.queries import CalibrationQueries, Encode
from indexer.confidence.trials import Trial, TrialSetting, run_trial
from indexer.embedding import IMAGE, TEXT, Floats, Ints, Rows, centred_query, unit_rows, without_hub

FEWEST_PICTURES = 100  # fewer show too little of what the list names
TRIED = 300  # made queries that find the largest share of a picture
STEPS = 12  # halvings of the interval in which it lies
TEXTS = Path(__file__).with_name("texts.tsv")


class Listed(NamedTuple):
    """Texts of one length, and the largest share of pictures that one of them is right for."""

    shown: tuple[str, ...]
    absent: tuple[str, ...]
    share: float


@cache
def listed() -> tuple[Listed, ...]:
    """The list: texts of one word, of a few, and sentences, which mean a single picture."""
    rows = [line.split("\t") for line in TEXTS.read_text("utf-8").splitlines()]

    def of(kind: str, least: int, most: int) -> tuple[str, ...]:
        return tuple(t for k, t in rows if k == kind and least <= len(t.split()) <= most)

    lengths = ((1, 1, 0.05), (2, 3, 0.02), (4, 99, 0.0))
    return tuple(
        Listed(of("shown", least, most), of("absent", least, most), share)
        for least, most, share in lengths
    )


def estimate(v_i: Rows, setting: TrialSetting, encode: Encode, *, seed: int = 0) -> LinesByKind:
    """Estimate lines for the picture alone, from embeddings `v_i` (n, dim) of pictures.

    Returns none for fewer than `FEWEST_PICTURES`, and none if everyday texts score no higher than
    absent ones: then the encoder does not know them.
    """
    rng = np.random.default_rng(seed)
    lengths = listed() if len(v_i) >= FEWEST_PICTURES else ()
    found = [_estimated(v_i, texts, setting, encode, rng) for texts in lengths]
    if not found or any(lines is None for lines in found):
        return {}
    word, few, sentence = (lines for lines in found if lines is not None)
    return {PICTURE: (word, few, sentence)}


def _estimated(
    v_i: Rows, texts: Listed, setting: TrialSetting, encode: Encode, rng: np.random.Generator
) -> Lines | None:
    """Lines for queries of one length."""
    pool, absent = _uncaptioned(v_i), encode(texts.absent)
    wanted = _best_score(unjudged(v_i, encode(texts.shown), setting))
    if wanted <= _best_score(unjudged(v_i, absent, setting)):
        return None
    maker = _Maker.of(v_i, absent, setting.means, texts.share)
    targets = np.sort(rng.permutation(len(v_i))[:MOST_TARGETS])
    few = targets[:: max(1, len(targets) // TRIED)]
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        queries = maker.queries(few, middle, np.random.default_rng(0))
        trial = run_trial(pool, queries, PICTURE, setting, rng, share=0)
        low, high = (middle, high) if _best_score(trial) < wanted else (low, middle)
    return lines_by([(pool, maker.queries(targets, high, rng))], PICTURE, setting, rng)


def unjudged(v_i: Rows, rows: Rows, setting: TrialSetting) -> Trial:
    """Search pictures for texts `rows` (q, dim); what is right is not known, so nothing is."""
    nowhere = np.zeros(len(rows), np.int64)
    right = np.zeros((len(rows), len(v_i)), np.bool_)
    queries = CalibrationQueries(nowhere, nowhere, rows, right)
    random = np.random.default_rng(0)  # decides which right pictures are removed: none
    return run_trial(_uncaptioned(v_i), queries, PICTURE, setting, random, share=0)


def _uncaptioned(v_i: Rows) -> Pool:
    """A pool of pictures without captions."""
    return Pool(v_i, v_i[:0], (), np.zeros(len(v_i) + 1, np.int64))


def _best_score(trial: Trial) -> float:
    """The mean of how far the best hits score above the level of their queries."""
    return float(trial.features[:, 0, 0].mean())


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes queries of `images` (n, dim) and `texts` (m, dim), both centred unit rows.

    `mean` (dim,) is that of texts, from which searches centre; `share`: see `Listed`.
    """

    images: Rows
    texts: Rows
    mean: Floats
    share: float

    @classmethod
    def of(cls, v_i: Rows, texts: Rows, means: Mapping[str, Floats], share: float) -> _Maker:
        centred = unit_rows(without_hub(centred_query(texts, TEXT, means), means))
        mean = means.get(TEXT, np.zeros(v_i.shape[1], np.float32))
        return cls(centred_query(v_i, IMAGE, means), centred, mean, share)

    def queries(
        self, targets: Ints, largest: float, rng: np.random.Generator
    ) -> CalibrationQueries:
        """Queries for target pictures (q,), in which pictures have shares of up to `largest`."""
        count = len(self.images)
        right = np.zeros((len(targets), count), np.bool_)
        for place, target in enumerate(targets.tolist()):
            most = np.log(max(1.0, self.share * count))
            number = int(np.exp(rng.uniform(0, most)))  # a few pictures as often as many
            alike = self.images @ self.images[target]
            right[place, np.argpartition(-alike, number - 1)[:number]] = True
            right[place, target] = True
        meant = unit_rows(right.astype(np.float32) @ self.images)
        others = self.texts[rng.integers(len(self.texts), size=len(targets))]
        shares = largest * rng.random((len(targets), 1), np.float32)
        rows = self.mean + unit_rows(shares * meant + (1 - shares) * others)
        return CalibrationQueries(targets, np.zeros_like(targets), rows, right)
