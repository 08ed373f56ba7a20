"""Scores of stored rows for queries: products, centred and divided by lengths."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.dot_products import product, rough_product, rounding_error
from indexer.embedding import Floats, Mask, Rows
from indexer.fusion import Centres, Fusion
from indexer.vectors.blocks import RowBlock
from indexer.vectors.index import KeyedBlock, VectorIndex
from indexer.vectors.keys import GONE, Ids, evenly

SPREAD_SAMPLE = 2000  # captioned pictures on which the spread of fused scores is measured
LEVEL_SAMPLE = 1000  # pictures on which the level of a query's scores is measured
LEVEL_PRIOR = 100
SHORT = 1e-6  # length below which a row cannot match
Scores: TypeAlias = Floats


@dataclass(frozen=True)
class CentredIndex:
    """The rows of a vector index, with the centres of both kinds."""

    index: VectorIndex
    centres: Centres

    @classmethod
    def of(
        cls,
        rows: Rows,
        has_caption: Mask,
        fusion: Fusion,
        means: Mapping[str, Floats],
    ) -> CentredIndex:
        """Index rows (n, width) in memory, with their precision; `means` are the encoder's."""
        keys = np.where(has_caption, np.arange(len(rows)), ~np.arange(len(rows)))
        block = KeyedBlock(RowBlock.of(rows, has_caption, fusion), keys)
        return cls.in_index(VectorIndex(fusion, rows.shape[1], [block]), means)

    @classmethod
    def in_index(cls, index: VectorIndex, means: Mapping[str, Floats]) -> CentredIndex:
        """Centre the rows of an index; `means` are the encoder's, by modality."""
        return cls(index, index.fusion.centres_of(index.sums, means))

    @property
    def fusion(self) -> Fusion:
        """The fusion that made the rows."""
        return self.index.fusion

    @cached_property
    def sample(self) -> tuple[NDArray[np.floating], Floats]:
        """Up to `SPREAD_SAMPLE` rows of captioned pictures, and their measures.

        It is always the same sample, in the precision of the stored rows.
        """
        if (whole := self.index.whole) is not None:
            return whole.sample, self.fusion.measures(whole.sample.astype(np.float32))
        positions = evenly(np.flatnonzero(self.index.all_keys >= 0), SPREAD_SAMPLE)
        rows, precision = self.index.take(positions), self.index.precision
        return rows.astype(precision), self.fusion.measures(rows)

    @cached_property
    def level_sample(self) -> KeyedBlock:
        """Up to `LEVEL_SAMPLE` rows, always the same; some may be out of date."""
        if self.index.whole is not None:
            return self.index.whole.level
        positions = evenly(np.arange(self.index.size), LEVEL_SAMPLE)
        return self.index.gathered(positions, range(self.fusion.parts))


@dataclass(frozen=True, slots=True)
class ScoredQuery:
    """Queries (m, width), with the offsets and gains that turn products into scores.

    `parts` are the pieces of a row that count. `offsets` (m, 2) are the products with the
    centres, without and with a caption. `gain` (m,) multiplies scores without a caption; None if
    all are scored alike.
    """

    queries: Rows
    parts: tuple[int, ...]
    weight: float
    offsets: Scores
    gain: Scores | None

    @classmethod
    def of(cls, stored: CentredIndex, q: Floats, weight: float) -> ScoredQuery:
        """Prepare centred unit rows `q`, (dim,) or (m, dim), to be scored at a weight."""
        queries = np.atleast_2d(stored.fusion.query(q, weight))
        centres = np.stack([stored.centres.plain, stored.centres.captioned])
        mixed = 0 < weight < 1 and stored.index.sums.without_caption > 0
        gain = plain_gain(stored, queries, weight) if mixed else None
        pieces = np.split(queries, stored.fusion.parts, axis=1)
        parts = tuple(part for part, piece in enumerate(pieces) if piece.any())
        return cls(queries, parts, weight, queries @ centres.T, gain)


def joined(queries: Sequence[ScoredQuery]) -> ScoredQuery:
    """One with the queries of several, which are of the same weight, parts and rows."""
    first = queries[0]
    gains = [query.gain for query in queries if query.gain is not None]
    return replace(
        first,
        queries=np.concatenate([query.queries for query in queries]),
        offsets=np.concatenate([query.offsets for query in queries]),
        gain=np.concatenate(gains) if gains else None,
    )


def rough_scores(keyed: KeyedBlock, query: ScoredQuery, fusion: Fusion) -> tuple[Scores, float]:
    """Approximate scores (m, n) of all rows of a block, and their largest error."""
    scores = block_scores(keyed, query, fusion, multiply=rough_product)
    lengths = fusion.lengths_of(keyed.block.measures, query.weight)
    shortest = 1.0 if lengths is None else float(lengths.min(initial=1, where=lengths > SHORT))
    gain = 1.0 if query.gain is None else max(1.0, float(query.gain.max()))
    return scores, rounding_error(query.queries) * gain / shortest


def block_scores(
    keyed: KeyedBlock,
    query: ScoredQuery,
    fusion: Fusion,
    rows: Ids | None = None,
    multiply: Callable[[NDArray[np.floating], Rows], Scores] = product,
) -> Scores:
    """Scores (m, n) of all rows of a block, or of some. Raises `RowsDamaged`."""
    which = slice(None) if rows is None else rows
    scores = _products(keyed.block, query, rows, multiply)
    plain = None if keyed.plain is None else keyed.plain[which]
    if plain is None:
        scores -= query.offsets[:, 1:]
    else:
        scores -= np.where(plain, query.offsets[:, :1], query.offsets[:, 1:])
    lengths = fusion.lengths_of(keyed.block.measures[:, which], query.weight)
    if lengths is not None:
        scores /= np.maximum(lengths, SHORT)
        short = lengths <= SHORT
        if short.any():
            scores[:, short] = -np.inf
    if plain is not None and query.gain is not None:
        scores *= np.where(plain, query.gain[:, None], np.float32(1))
    if len(keyed.gone):
        scores[:, keyed.keys[which] == GONE] = -np.inf
    return scores


def _products(
    block: RowBlock,
    query: ScoredQuery,
    rows: Ids | None,
    multiply: Callable[[NDArray[np.floating], Rows], Scores],
) -> Scores:
    """Products (m, n) of the queries with the parts of rows that count for them."""
    count = len(block) if rows is None else len(rows)
    products = np.zeros((len(query.queries), count), np.float32)
    pieces = np.split(query.queries, len(block.parts), axis=1)
    for part in query.parts:
        block.check(part, rows)
        stored = block.parts[part] if rows is None else block.parts[part][rows]
        products += multiply(stored, pieces[part])
    return products


def score_level(scores: Scores) -> tuple[Scores, Scores]:
    """Mean and standard deviation (m,) of scores (m, n); pictures that cannot match do not count.

    They tell how much a library is like a query as a whole, and how much its pictures differ in it.
    The mean is drawn towards zero, its usual value, as if `LEVEL_PRIOR` more pictures scored that:
    in a small library, the pictures that are searched for make much of it.
    """
    known = np.isfinite(scores)  # without numpy.ma, whose import takes as long as the scan
    count, total = known.sum(axis=1), np.where(known, scores, 0).sum(axis=1)
    apart = np.where(known, scores - (total / np.maximum(count, 1))[:, None], 0)
    variance = np.square(apart).sum(axis=1) / np.maximum(count, 1)
    return np.asarray(total / (count + LEVEL_PRIOR)), np.asarray(np.sqrt(variance))


def plain_gain(stored: CentredIndex, queries: Rows, weight: float) -> Scores:
    """Gain (m,) of pictures without a caption, measured on a fixed sample of those with one."""
    rows, measures = stored.sample
    return stored.fusion.plain_gain(rows, stored.centres, queries, weight, measures)


def targets(
    stored: CentredIndex, keyed: KeyedBlock, rows: Ids, weight: float, gain: float
) -> tuple[Rows, Mask]:
    """Rows (m, dim) whose products with `q` are the scores at a weight, and which can match.

    `gain` replaces the gain of pictures without a caption, which otherwise depends on the query.
    """
    fusion, dim = stored.fusion, stored.index.width // stored.fusion.parts
    plain = keyed.keys[rows] < 0
    centred = keyed.block.take(rows)
    centred -= np.where(plain[:, None], stored.centres.plain, stored.centres.captioned)
    shares = np.atleast_1d(fusion.query(np.ones(1, np.float32), weight))
    parts = centred.reshape(len(rows), fusion.parts, dim)
    weighted = np.einsum("npd,p->nd", parts, shares, dtype=np.float32)
    lengths = fusion.lengths_of(keyed.block.measures[:, rows], weight)
    can_match = np.ones(len(rows), np.bool_) if lengths is None else lengths > SHORT
    if lengths is not None:
        weighted /= np.maximum(lengths, SHORT)[:, None]
    weighted[plain] *= np.float32(gain)
    return weighted, can_match
