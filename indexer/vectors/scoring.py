"""The score of stored rows for one query: the product, centred and divided by a length."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from indexer.dot_products import product, rough_product, rounded_off
from indexer.embedding import Rows
from indexer.fusion import Centres, Fusion
from indexer.vectors.blocks import RowBlock
from indexer.vectors.index import KeyedBlock, VectorIndex
from indexer.vectors.keys import GONE, Ids

SPREAD_SAMPLE = 2000  # captioned pictures whose scores tell how wide fused scores spread
SHORT = 1e-6  # length below which a row cannot answer
Scores = NDArray[np.float32]


@dataclass(frozen=True)
class CentredIndex:
    """The rows of a vector index and the centres of both kinds."""

    index: VectorIndex
    centres: Centres

    @classmethod
    def of(
        cls,
        rows: Rows,
        has_caption: NDArray[np.bool_],
        fusion: Fusion,
        means: Mapping[str, NDArray[np.float32]],
    ) -> CentredIndex:
        """Rows (n, width) in memory, as precise as they are given; `means` are the encoder's."""
        keys = np.where(has_caption, np.arange(len(rows)), ~np.arange(len(rows)))
        block = KeyedBlock(RowBlock.of(rows, has_caption, fusion), keys)
        return cls.in_index(VectorIndex(fusion, rows.shape[1], [block]), means)

    @classmethod
    def in_index(cls, index: VectorIndex, means: Mapping[str, NDArray[np.float32]]) -> CentredIndex:
        """The rows of an index with their centres; `means` are the encoder's, by modality."""
        return cls(index, index.fusion.centres_of(index.sums, means))

    @property
    def fusion(self) -> Fusion:
        """The fusion that made the rows."""
        return self.index.fusion

    @cached_property
    def sample(self) -> tuple[NDArray[np.floating], NDArray[np.float32]]:
        """Up to `SPREAD_SAMPLE` rows of captioned pictures, and the measures of the fusion.

        It is always the same, and as precise as the rows are stored.
        """
        captioned = np.flatnonzero(self.index.all_keys >= 0)
        few = min(SPREAD_SAMPLE, len(captioned))
        chosen = captioned[np.linspace(0, len(captioned) - 1, few).astype(np.int64)]
        rows, precision = self.index.take(chosen), self.index.precision
        return rows.astype(precision), self.fusion.measures(rows)


@dataclass(frozen=True, slots=True)
class ScoredQuery:
    """Queries (m, width) with what their scores need beside the products.

    `parts` are the pieces of a row that count. `offsets` (m, 2) are the products with the
    centres, without and with a caption; `gain` (m,) multiplies scores without a caption, None
    where all are scored alike.
    """

    queries: Rows
    parts: tuple[int, ...]
    weight: float
    offsets: Scores
    gain: Scores | None

    @classmethod
    def of(cls, stored: CentredIndex, q: NDArray[np.float32], weight: float) -> ScoredQuery:
        """What asks with centred unit rows `q`, (dim,) or (m, dim)."""
        queries = np.atleast_2d(stored.fusion.query(q, weight))
        centres = np.stack([stored.centres.plain, stored.centres.captioned])
        mixed = 0 < weight < 1 and stored.index.sums.without_caption > 0
        gain = plain_gain(stored, queries, weight) if mixed else None
        pieces = np.split(queries, stored.fusion.parts, axis=1)
        parts = tuple(part for part, asking in enumerate(pieces) if asking.any())
        return cls(queries, parts, weight, queries @ centres.T, gain)


def rough_scores(keyed: KeyedBlock, asked: ScoredQuery, fusion: Fusion) -> tuple[Scores, float]:
    """Scores (n,) of all rows of a block for one query, and how far from exact they can be."""
    (found,) = block_scores(keyed, asked, fusion, multiply=rough_product)
    lengths = fusion.lengths_of(keyed.block.measures, asked.weight)
    shortest = 1.0 if lengths is None else float(lengths.min(initial=1, where=lengths > SHORT))
    gain = 1.0 if asked.gain is None else max(1.0, float(asked.gain[0]))
    return found, rounded_off(asked.queries) * gain / shortest


def block_scores(
    keyed: KeyedBlock,
    asked: ScoredQuery,
    fusion: Fusion,
    rows: Ids | None = None,
    multiply: Callable[[NDArray[np.floating], Rows], Scores] = product,
) -> Scores:
    """Scores (m, n) of all rows of a block, or of some. Raises `RowsDamaged`."""
    chosen = slice(None) if rows is None else rows
    found = _products(keyed.block, asked, rows, multiply)
    plain = None if keyed.plain is None else keyed.plain[chosen]
    if plain is None:
        found -= asked.offsets[:, 1:]
    else:
        found -= np.where(plain, asked.offsets[:, :1], asked.offsets[:, 1:])
    lengths = fusion.lengths_of(keyed.block.measures[:, chosen], asked.weight)
    if lengths is not None:
        found /= np.maximum(lengths, SHORT)
        short = lengths <= SHORT
        if short.any():
            found[:, short] = -np.inf
    if plain is not None and asked.gain is not None:
        found *= np.where(plain, asked.gain[:, None], np.float32(1))
    if len(keyed.gone):
        found[:, keyed.keys[chosen] == GONE] = -np.inf
    return found


def _products(
    block: RowBlock,
    asked: ScoredQuery,
    rows: Ids | None,
    multiply: Callable[[NDArray[np.floating], Rows], Scores],
) -> Scores:
    """The products (m, n) with those parts of the rows that count for the queries."""
    count = len(block) if rows is None else len(rows)
    found = np.zeros((len(asked.queries), count), np.float32)
    pieces = np.split(asked.queries, len(block.parts), axis=1)
    for part in asked.parts:
        block.check(part, rows)
        stored = block.parts[part] if rows is None else block.parts[part][rows]
        found += multiply(stored, pieces[part])
    return found


def plain_gain(stored: CentredIndex, queries: Rows, weight: float) -> Scores:
    """The gain of pictures without a caption, measured on a fixed sample of those with one."""
    rows, measures = stored.sample
    return stored.fusion.plain_gain(rows, stored.centres, queries, weight, measures)


def targets(
    stored: CentredIndex, keyed: KeyedBlock, rows: Ids, weight: float, gain: float
) -> tuple[Rows, NDArray[np.bool_]]:
    """Rows (m, dim) whose products with `q` are the scores at a weight, and which can answer.

    `gain` stands for that of pictures without a caption, which each query measures anew.
    """
    fusion, dim = stored.fusion, stored.index.width // stored.fusion.parts
    plain = keyed.keys[rows] < 0
    centred = keyed.block.take(rows)
    centred -= np.where(plain[:, None], stored.centres.plain, stored.centres.captioned)
    shares = np.atleast_1d(fusion.query(np.ones(1, np.float32), weight))
    parts = centred.reshape(len(rows), fusion.parts, dim)
    found = np.einsum("npd,p->nd", parts, shares, dtype=np.float32)
    lengths = fusion.lengths_of(keyed.block.measures[:, rows], weight)
    answers = np.ones(len(rows), np.bool_) if lengths is None else lengths > SHORT
    if lengths is not None:
        found /= np.maximum(lengths, SHORT)[:, None]
    found[plain] *= np.float32(gain)
    return found, answers
