"""Trials: a library is asked for pictures that it has, and for pictures that were taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.confidence.line import CAPTION, FUSED, PICTURE, Values, leads
from indexer.confidence.pool import Ints, Pool
from indexer.confidence.queries import CalibrationQueries
from indexer.embedding import TEXT, Rows, centred_query, unit_rows
from indexer.fusion import DEFAULT_WEIGHT, Fusion
from indexer.vectors.scoring import CentredIndex, ScoredQuery, Scores, block_scores

HITS = 10  # of each answer
TAKEN = 0.5  # the share of queries whose right pictures are taken out
WEIGHT = {PICTURE: 1.0, CAPTION: 0.0, FUSED: DEFAULT_WEIGHT}
_NOWHERE = -np.inf


@dataclass(frozen=True, slots=True)
class Trial:
    """The first hits of queries: `features` (q, k, f), which are `right` (q, k), and the queries to
    which there was a right answer (q,). `size` pictures could have been found.
    """

    features: Values
    right: NDArray[np.bool_]
    present: NDArray[np.bool_]
    size: int


@dataclass(frozen=True, slots=True)
class TrialSetting:
    """How trials are made: by which fusion, with which means of the encoder by modality.

    `single`: each picture is indexed with one caption alone, whatever it has.
    """

    fusion: Fusion
    means: Mapping[str, NDArray[np.float32]]
    single: bool = False


def tried(
    pool: Pool,
    queries: CalibrationQueries,
    kind: str,
    setting: TrialSetting,
    rng: np.random.Generator,
    *,
    share: float = TAKEN,
) -> Trial:
    """Ask a library of the pool, in which no picture has the caption that asks for it.

    The right pictures are taken out for a share of the queries.
    """
    v_t = np.zeros_like(pool.v_i) if kind == PICTURE else _indexed(pool, queries, setting, rng)
    stored = _library(pool, v_t, kind != PICTURE, setting)
    found = _scores(stored, queries.rows, kind)
    taken = rng.random(len(found)) < share
    found[taken[:, None] & queries.right] = _NOWHERE
    present = queries.right.any(axis=1) & ~taken
    order = np.argsort(-found, axis=1, kind="stable")[:, :HITS]
    scores = np.take_along_axis(found, order, 1)
    features: list[NDArray[np.floating]] = [scores, leads(scores)]
    if kind == FUSED:
        features.append(np.einsum("nd,nd->n", pool.v_i, v_t)[order])
    right = np.take_along_axis(queries.right, order, 1) & np.isfinite(scores)
    return Trial(np.stack(features, axis=2).astype(np.float64), right, present, len(pool))


def _library(pool: Pool, v_t: Rows, captioned: bool, setting: TrialSetting) -> CentredIndex:
    has_caption = np.full(len(pool), captioned)
    rows = setting.fusion.pictures(pool.v_i, v_t, has_caption)
    return CentredIndex.of(rows, has_caption, setting.fusion, setting.means)


def _scores(stored: CentredIndex, texts: Rows, kind: str) -> Scores:
    """Scores (q, n) of all pictures for texts, centred as they are in a search."""
    q = centred_query(texts, TEXT, stored.centres.means)
    weight = WEIGHT[kind] if stored.fusion.weighable else DEFAULT_WEIGHT
    (keyed,) = stored.index.blocks
    return block_scores(keyed, ScoredQuery.of(stored, q, weight), stored.fusion)


def _indexed(
    pool: Pool, queries: CalibrationQueries, setting: TrialSetting, rng: np.random.Generator
) -> Rows:
    """`v_t` (n, dim): the mean of a picture's captions but for the one that asks for it."""
    held = np.full(len(pool), -1)
    held[queries.pictures] = queries.captions
    taken = np.isin(np.arange(len(pool.v_t)), held)
    kept = np.flatnonzero(~taken)
    owners = np.repeat(np.arange(len(pool)), pool.counts)[kept]
    if setting.single:
        shuffled = rng.permutation(len(kept))
        owners, first = np.unique(owners[shuffled], return_index=True)
        kept = kept[shuffled[first]]
    sums = np.zeros_like(pool.v_i)
    np.add.at(sums, owners, pool.v_t[kept])
    return unit_rows(sums)


def part_of(
    pool: Pool, queries: CalibrationQueries, size: int, rng: np.random.Generator
) -> tuple[Pool, CalibrationQueries]:
    """A smaller library with so many of the pictures, first those that are asked for."""
    asked = rng.permutation(np.unique(queries.pictures))[:size]
    others = np.setdiff1d(np.arange(len(pool)), asked)
    chosen: Ints = np.sort(np.concatenate([asked, rng.permutation(others)[: size - len(asked)]]))
    return pool.take(chosen), _renumbered(pool, queries.of(chosen), chosen)


def _renumbered(pool: Pool, queries: CalibrationQueries, chosen: Ints) -> CalibrationQueries:
    """Queries whose captions are rows of the pool of the chosen pictures."""
    starts = np.concatenate([[0], np.cumsum(pool.counts[chosen])])
    within = queries.captions - pool.starts[chosen[queries.pictures]]
    return replace(queries, captions=starts[queries.pictures] + within)
