"""Ranking tasks: queries, candidates, and the ranks of the right ones.

Scores are computed for a few queries at a time: of a hundred million pairs of query and candidate,
only the ranks stay in memory.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer import Progress
from indexer.embedding import IMAGE, TEXT, Ints, Rows, centred_query
from indexer.fusion import Fusion
from indexer.metrics.recall import RetrievalRanks, ranks
from indexer.vectors.nearest import scores
from indexer.vectors.scoring import CentredIndex
from search.evaluation.data import EvaluationData

SCORES_AT_ONCE = 10_000_000  # 40 MB, and a few times that while they become ranks
Key = TypeVar("Key", bound=Hashable)


class RetrievalTask(Protocol):
    """Queries to a data set, with their candidates."""

    def queries_of(self, data: EvaluationData) -> Ints:
        """The picture of each query."""
        ...

    def ranked(self, data: EvaluationData) -> Iterator[Ints]:
        """The ranks of the queries, a part at a time."""
        ...


@dataclass(frozen=True, slots=True)
class QueryTrial:
    """Captions as queries for their pictures, indexed by a fusion; some without their caption."""

    fusion: Fusion
    weight: float
    has_caption: NDArray[np.bool_]
    queries: Ints

    def queries_of(self, data: EvaluationData) -> Ints:
        """The picture of each query."""
        return data.owners[self.queries]

    def ranked(self, data: EvaluationData) -> Iterator[Ints]:
        """The ranks of the right pictures, by the scores of a search."""
        rows = self.fusion.pictures(data.v_i, data.v_t[data.first], self.has_caption)
        stored = CentredIndex.of(rows, self.has_caption, self.fusion, data.means)
        q = centred_query(data.v_t[self.queries], TEXT, stored.centres.means)
        owners, candidates = self.queries_of(data), np.arange(len(data.v_i))
        for part in parts(len(q), len(candidates)):
            yield ranks(scores(stored, q[part], self.weight), owners[part, None] == candidates)


@dataclass(frozen=True, slots=True)
class ImageToText:
    """Pictures as queries for captions, among all; the best caption of the picture counts."""

    def queries_of(self, data: EvaluationData) -> Ints:
        """The picture of each query."""
        return np.arange(len(data.v_i))

    def ranked(self, data: EvaluationData) -> Iterator[Ints]:
        """The ranks of the best right captions."""
        yield from nearest(centred_query(data.v_i, IMAGE, data.means), data.v_t, data.owners)


def nearest(q: Rows, candidates: Rows, owners: Ints) -> Iterator[Ints]:
    """The rank of the best own candidate of each query, a part at a time.

    `owners` (candidates,): the number of the query that each candidate belongs to.
    """
    for part in parts(len(q), len(candidates)):
        queries = np.arange(part.start, part.stop)[:, None]
        yield ranks(q[part] @ candidates.T, queries == owners)


def parts(queries: int, candidates: int) -> Iterator[slice]:
    """Slices of the queries that are small enough to hold their scores."""
    size = max(1, SCORES_AT_ONCE // max(1, candidates))
    for start in range(0, queries, size):
        yield slice(start, min(start + size, queries))


def measure(
    data: EvaluationData, tasks: Mapping[Key, RetrievalTask]
) -> Generator[Progress, None, dict[Key, RetrievalRanks]]:
    """The ranks of all tasks, by key; yields the number of queries that are done."""
    queries = {key: task.queries_of(data) for key, task in tasks.items()}
    done, total = 0, sum(map(len, queries.values()))
    results = {}
    for key, task in tasks.items():
        ranked = [np.zeros(0, np.int64)]
        for part in task.ranked(data):
            ranked.append(part)
            done += len(part)
            yield Progress(done, total)
        results[key] = RetrievalRanks(np.concatenate(ranked), queries[key])
    return results
