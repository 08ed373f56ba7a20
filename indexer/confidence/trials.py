"""Trials: a library is asked for pictures that it has, and for pictures that were taken out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from indexer.confidence.line import CAPTION, FUSED, PICTURE, Values, leads
from indexer.confidence.pool import Ints, Pool
from indexer.confidence.queries import Asking
from indexer.embedding import TEXT, Rows, asking, unit_rows
from indexer.fusion import DEFAULT_WEIGHT, Fusion
from indexer.vectors.scoring import Asked, Scores, StoredRows, block_scores

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
class Setting:
    """How trials are made: by which fusion, with which means of the encoder by modality.

    `single`: each picture is indexed with one caption alone, whatever it has.
    """

    fusion: Fusion
    means: Mapping[str, NDArray[np.float32]]
    single: bool = False


def tried(
    pool: Pool,
    asking: Asking,
    kind: str,
    setting: Setting,
    rng: np.random.Generator,
    *,
    share: float = TAKEN,
) -> Trial:
    """Ask a library of the pool, in which no picture has the caption that asks for it.

    The right pictures are taken out for a share of the queries.
    """
    v_t = np.zeros_like(pool.v_i) if kind == PICTURE else _indexed(pool, asking, setting, rng)
    stored = _library(pool, v_t, kind != PICTURE, setting)
    found = _scores(stored, asking.rows, kind)
    taken = rng.random(len(found)) < share
    found[taken[:, None] & asking.right] = _NOWHERE
    present = asking.right.any(axis=1) & ~taken
    order = np.argsort(-found, axis=1, kind="stable")[:, :HITS]
    scores = np.take_along_axis(found, order, 1)
    features: list[NDArray[np.floating]] = [scores, leads(scores)]
    if kind == FUSED:
        features.append(np.einsum("nd,nd->n", pool.v_i, v_t)[order])
    right = np.take_along_axis(asking.right, order, 1) & np.isfinite(scores)
    return Trial(np.stack(features, axis=2).astype(np.float64), right, present, len(pool))


def _library(pool: Pool, v_t: Rows, captioned: bool, setting: Setting) -> StoredRows:
    has_caption = np.full(len(pool), captioned)
    rows = setting.fusion.pictures(pool.v_i, v_t, has_caption)
    return StoredRows.of(rows, has_caption, setting.fusion, setting.means)


def _scores(stored: StoredRows, texts: Rows, kind: str) -> Scores:
    """Scores (q, n) of all pictures for texts, centred as they are in a search."""
    q = asking(texts, TEXT, stored.centres.means)
    weight = WEIGHT[kind] if stored.fusion.weighable else DEFAULT_WEIGHT
    (keyed,) = stored.index.blocks
    return block_scores(keyed, Asked.of(stored, q, weight), stored.fusion)


def _indexed(pool: Pool, asking: Asking, setting: Setting, rng: np.random.Generator) -> Rows:
    """`v_t` (n, dim): the mean of a picture's captions but for the one that asks for it."""
    held = np.full(len(pool), -1)
    held[asking.pictures] = asking.captions
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


def part_of(pool: Pool, asking: Asking, size: int, rng: np.random.Generator) -> tuple[Pool, Asking]:
    """A smaller library with so many of the pictures, first those that are asked for."""
    asked = rng.permutation(np.unique(asking.pictures))[:size]
    others = np.setdiff1d(np.arange(len(pool)), asked)
    chosen: Ints = np.sort(np.concatenate([asked, rng.permutation(others)[: size - len(asked)]]))
    return pool.take(chosen), _renumbered(pool, asking.of(chosen), chosen)


def _renumbered(pool: Pool, asking: Asking, chosen: Ints) -> Asking:
    """Queries whose captions are rows of the pool of the chosen pictures."""
    starts = np.concatenate([[0], np.cumsum(pool.counts[chosen])])
    within = asking.captions - pool.starts[chosen[asking.pictures]]
    return replace(asking, captions=starts[asking.pictures] + within)
