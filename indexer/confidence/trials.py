"""Trials: queries for pictures that a library has, and for pictures that were removed from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from indexer.confidence.line import CAPTION, FUSED, PICTURE, Values, hit_features, leads
from indexer.confidence.pool import Pool
from indexer.confidence.queries import CalibrationQueries
from indexer.embedding import TEXT, Floats, Ints, Mask, Rows, centred_query, unit_rows
from indexer.fusion import DEFAULT_WEIGHT, Fusion
from indexer.vectors.scoring import (
    CentredIndex,
    ScoredQuery,
    Scores,
    block_scores,
    score_level,
)

HITS = 10  # hits of each query
REMOVED_SHARE = 0.5  # share of queries whose right pictures are removed
WEIGHT = {PICTURE: 1.0, CAPTION: 0.0, FUSED: DEFAULT_WEIGHT}
_NOWHERE = -np.inf


@dataclass(frozen=True, slots=True)
class Trial:
    """The first k hits of q queries: their `features` (q, k, 3), and which are `right` (q, k).

    `present` (q,) marks the queries with a right picture among the `size` searched ones. `whole`:
    these are a whole library, not a part of one.
    """

    features: Values
    right: Mask
    present: Mask
    size: int
    whole: bool = True


@dataclass(frozen=True, slots=True)
class TrialSetting:
    """The fusion of trials, and the encoder's means by modality.

    `single`: each picture is indexed with only one of its captions.
    """

    fusion: Fusion
    means: Mapping[str, Floats]
    single: bool = False


def run_trial(
    pool: Pool,
    queries: CalibrationQueries,
    kind: str,
    setting: TrialSetting,
    rng: np.random.Generator,
    *,
    share: float = REMOVED_SHARE,
) -> Trial:
    """Search an index of the pool in which no picture has the caption of its query.

    Removes the right pictures for a share of the queries.
    """
    v_t = np.zeros_like(pool.v_i) if kind == PICTURE else _indexed(pool, queries, setting, rng)
    index = _centred_index(pool, v_t, kind != PICTURE, setting)
    all_scores = _scores(index, queries.rows, kind)
    level, spread = score_level(all_scores)
    removed = rng.random(len(all_scores)) < share
    all_scores[removed[:, None] & queries.right] = _NOWHERE
    present = queries.right.any(axis=1) & ~removed
    order = np.argsort(-all_scores, axis=1, kind="stable")[:, :HITS]
    scores = np.take_along_axis(all_scores, order, 1)
    features = hit_features(scores, leads(scores), level[:, None], spread[:, None])
    right = np.take_along_axis(queries.right, order, 1) & np.isfinite(scores)
    return Trial(features, right, present, len(pool))


def _centred_index(pool: Pool, v_t: Rows, captioned: bool, setting: TrialSetting) -> CentredIndex:
    has_caption = np.full(len(pool), captioned)
    rows = setting.fusion.pictures(pool.v_i, v_t, has_caption)
    return CentredIndex.of(rows, has_caption, setting.fusion, setting.means)


def _scores(index: CentredIndex, texts: Rows, kind: str) -> Scores:
    """Scores (q, n) of all pictures for texts, centred as in a search."""
    q = centred_query(texts, TEXT, index.centres.means)
    weight = WEIGHT[kind] if index.fusion.weighable else DEFAULT_WEIGHT
    (keyed,) = index.index.blocks
    return block_scores(keyed, ScoredQuery.of(index, q, weight), index.fusion)


def _indexed(
    pool: Pool, queries: CalibrationQueries, setting: TrialSetting, rng: np.random.Generator
) -> Rows:
    """`v_t` (n, dim): the mean of a picture's captions except the one that is its query."""
    held = np.full(len(pool), -1)
    held[queries.pictures] = queries.captions
    held_out = np.isin(np.arange(len(pool.v_t)), held)
    captions = np.flatnonzero(~held_out)
    owners = np.repeat(np.arange(len(pool)), pool.counts)[captions]
    if setting.single:
        shuffled = rng.permutation(len(captions))
        owners, first = np.unique(owners[shuffled], return_index=True)
        captions = captions[shuffled[first]]
    sums = np.zeros_like(pool.v_i)
    np.add.at(sums, owners, pool.v_t[captions])
    return unit_rows(sums)


def part_of(
    pool: Pool, queries: CalibrationQueries, size: int, rng: np.random.Generator
) -> tuple[Pool, CalibrationQueries]:
    """Draw a pool of `size` pictures, targets of queries first, and the queries for them."""
    targets = rng.permutation(np.unique(queries.pictures))[:size]
    others = np.setdiff1d(np.arange(len(pool)), targets)
    fill = rng.permutation(others)[: size - len(targets)]
    pictures: Ints = np.sort(np.concatenate([targets, fill]))
    return pool.take(pictures), _renumbered(pool, queries.of(pictures), pictures)


def _renumbered(pool: Pool, queries: CalibrationQueries, pictures: Ints) -> CalibrationQueries:
    """Renumber the captions of queries as rows of the smaller pool of these pictures."""
    starts = np.concatenate([[0], np.cumsum(pool.counts[pictures])])
    within = queries.captions - pool.starts[pictures[queries.pictures]]
    return replace(queries, captions=starts[queries.pictures] + within)
