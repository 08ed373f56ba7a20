"""Estimating a calibration without captions: texts that pictures show, and texts that none shows.

A fixed list of everyday texts ("dog", "a boat lies on the calm water near the shore") and one of
texts that hardly any picture shows ("sextant", "third amendment") search a library. Hits of the
second list are wrong. Hits of the first list that score alike are wrong as well, and what it has
beyond those is right (the local false discovery rate of Efron, 2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from indexer.confidence.calibration import LinesByLength
from indexer.confidence.fitting import Cases, LinesByKind, line_of, sizes_of
from indexer.confidence.line import PICTURE, Lines, Values
from indexer.confidence.pool import Pool
from indexer.confidence.queries import CalibrationQueries, Encode
from indexer.confidence.trials import Trial, TrialSetting, run_trial
from indexer.embedding import Rows

FEWEST_PICTURES = 100  # fewer show too little of what the list names
LIKELY = 0.5  # share of right hits from which on one must not be hidden
SHOWN, ABSENT = "shown", "absent"
TEXTS = Path(__file__).with_name("texts.tsv")


@cache
def listed() -> tuple[dict[str, tuple[str, ...]], ...]:
    """The texts by list: of one word, of a few, and sentences."""
    rows = [line.split("\t") for line in TEXTS.read_text("utf-8").splitlines()]
    lengths = ((1, 1), (2, 3), (4, 99))
    return tuple(
        {
            kind: tuple(t for k, t in rows if k == kind and least <= len(t.split()) <= most)
            for kind in (SHOWN, ABSENT)
        }
        for least, most in lengths
    )


def estimate(v_i: Rows, setting: TrialSetting, encode: Encode, *, seed: int = 0) -> LinesByKind:
    """Estimate lines for the picture alone from embeddings `v_i` (n, dim) of pictures.

    Returns none for fewer than `FEWEST_PICTURES`, and none if everyday texts score no higher than
    absent ones: the encoder does not know their language, or nothing.
    """
    if len(v_i) < FEWEST_PICTURES:
        return {}
    rng = np.random.default_rng(seed)
    found = []
    for texts in listed():
        rows = {kind: encode(texts[kind]) for kind in (SHOWN, ABSENT)}
        lines = _lines(v_i, rows[SHOWN], rows[ABSENT], setting, rng)
        if lines is None:
            return {}
        found.append(lines)
    word, few, sentence = found
    by_length: LinesByLength = (word, few, sentence)
    return {PICTURE: by_length}


def _lines(
    v_i: Rows, shown: Rows, absent: Rows, setting: TrialSetting, rng: np.random.Generator
) -> Lines | None:
    """Lines by the hits of both lists in libraries of several sizes; None if they tell nothing."""
    pairs = []
    for size in sizes_of(len(v_i)):
        for _ in range(-(-len(v_i) // (2 * size))):
            part, whole = v_i[rng.permutation(len(v_i))[:size]], size == len(v_i)
            trials = (unjudged(part, rows, setting) for rows in (shown, absent))
            pairs.append([replace(trial, whole=whole) for trial in trials])
    hit = line_of(_hits(pairs), rising=True)
    answer = line_of(_answers(pairs), rising=False)
    return None if hit is None or answer is None else Lines(hit, answer)


def unjudged(v_i: Rows, rows: Rows, setting: TrialSetting) -> Trial:
    """Search pictures for texts `rows` (q, dim); what is right is not known, so nothing is."""
    pool = Pool(v_i, v_i[:0], (), np.zeros(len(v_i) + 1, np.int64))
    nowhere = np.zeros(len(rows), np.int64)
    right = np.zeros((len(rows), len(v_i)), np.bool_)
    queries = CalibrationQueries(nowhere, nowhere, rows, right)
    return run_trial(pool, queries, PICTURE, setting, np.random.default_rng(0), share=0)


def _hits(pairs: Sequence[Sequence[Trial]]) -> list[Cases]:
    """Cases of hits, with the share that is right of those alike."""
    cases = [_listed([trial.features.reshape(-1, 3) for trial in pair], pair) for pair in pairs]
    told = line_of(cases, rising=True)
    if told is None:
        return cases[:0]
    shares = []
    for case in cases:
        p = told.probability(case.features, case.size)  # that it is a hit of the first list
        right = np.where(case.true, np.clip(2 - 1 / np.maximum(p, 1e-9), 0, 1), 0.0)
        shares.append(case._replace(true=right, certain=right > LIKELY))
    return shares


def _answers(pairs: Sequence[Sequence[Trial]]) -> list[Cases]:
    """Cases of best hits, true if the query is of the first list."""
    return [_listed([trial.features[:, 0] for trial in pair], pair) for pair in pairs]


def _listed(features: Sequence[Values], pair: Sequence[Trial]) -> Cases:
    """Cases of the features (n, 3) of both lists, true and certain if they are of the first."""
    of_first = np.arange(sum(map(len, features))) < len(features[0])
    return Cases(np.concatenate(features), of_first, of_first, pair[0].size, pair[0].whole)
