"""Advice: the fusion and weight that suit a data set best, if that is more than chance."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from indexer import Progress
from indexer.embedding import Ints
from indexer.fusion import DEFAULT_WEIGHT, Fusion, open_fusion
from indexer.metrics.bootstrap import MIN_PICTURES, MRR, SEED, Difference, difference
from indexer.metrics.recall import RetrievalRanks, figures
from indexer.settings import DEFAULT_FUSION
from search.evaluation.data import EvaluationData
from search.evaluation.protocols import all_captioned
from search.evaluation.trials import measure

WEIGHTS = tuple(n / 10 for n in range(11))
MAX_QUERIES = 5000  # that try every weight: enough for an interval of one per cent


class AdvisedSetting(NamedTuple):
    """A fusion, and the weight of its queries."""

    fusion: str
    weight: float


DEFAULT = AdvisedSetting(DEFAULT_FUSION, DEFAULT_WEIGHT)


@dataclass(frozen=True, slots=True)
class Advice:
    """The setting that a library should have.

    `tried` are the mean reciprocal ranks of all settings and `best` is the setting with the
    highest. `gain` compares this way of choosing with the default, on pictures that had no part in
    the choice. `asking` is the number of pictures with queries: those with two captions or more.
    """

    asking: int
    tried: Mapping[AdvisedSetting, float]
    best: AdvisedSetting
    gain: Difference

    @property
    def weighable(self) -> bool:
        """Whether the chosen fusion takes a weight, that is, was tried with more than one."""
        return sum(setting.fusion == self.chosen.fusion for setting in self.tried) > 1

    @property
    def is_sure(self) -> bool:
        """Whether `best` is better than the default by more than chance."""
        return self.asking >= MIN_PICTURES and self.best != DEFAULT and self.gain.verdict() > 0

    @property
    def chosen(self) -> AdvisedSetting:
        """The setting to adopt: the default unless another is surely better."""
        return self.best if self.is_sure else DEFAULT

    def fields(self) -> dict[str, Any]:
        """The advice as scripts read it."""
        return {
            "fusion": self.chosen.fusion,
            "weight": self.chosen.weight,
            "weighable": self.weighable,
            "better_than_default": self.is_sure,
            "default": DEFAULT._asdict(),
            "best": self.best._asdict(),
            "gain": self.gain.fields(),
            "asking": self.asking,
            "tried": [{**setting._asdict(), MRR: mrr} for setting, mrr in self.tried.items()],
        }


def advise(
    data: EvaluationData, fusions: Mapping[str, Fusion]
) -> Generator[Progress, None, Advice | None]:
    """Try each fusion, at every weight if it takes one; None if no caption can be a query.

    Weight 0 is tried and shown, but is never the best: it cannot find pictures without a caption.
    """
    queries = _some_queries(data)
    if not len(queries):
        return None
    fusions = {DEFAULT.fusion: open_fusion(DEFAULT.fusion), **fusions}
    tasks = {
        AdvisedSetting(name, weight): all_captioned(data, fusion, weight, queries)
        for name, fusion in fusions.items()
        for weight in (WEIGHTS if fusion.weighable else (DEFAULT_WEIGHT,))
    }
    ranks = yield from measure(data, tasks)
    return advice_from(ranks)


def advice_from(tried: Mapping[AdvisedSetting, RetrievalRanks]) -> Advice:
    """The advice that follows from the ranks of each setting, all for the same queries."""
    default = tried[DEFAULT]
    asking, position = np.unique(default.pictures, return_inverse=True)
    one_half = np.random.default_rng(SEED).permutation(len(asking))[position] % 2 == 0
    ranks = np.where(  # each half is measured at the setting that the other half chose
        one_half, tried[_best(tried, ~one_half)].ranks, tried[_best(tried, one_half)].ranks
    )
    return Advice(
        len(asking),
        {setting: figures(each.ranks)[MRR] for setting, each in tried.items()},
        _best(tried, np.ones_like(one_half)),
        difference(RetrievalRanks(ranks, default.pictures), default),
    )


def _best(
    tried: Mapping[AdvisedSetting, RetrievalRanks], queries: np.ndarray[Any, np.dtype[np.bool_]]
) -> AdvisedSetting:
    """The setting with the highest mean reciprocal rank for some queries; the default in a tie."""
    eligible = {setting: each for setting, each in tried.items() if setting.weight > 0}
    if not queries.any():
        return DEFAULT
    scores = {s: float((1 / each.ranks[queries]).mean()) for s, each in eligible.items()}
    return max(scores, key=lambda setting: (scores[setting], setting == DEFAULT))


def _some_queries(data: EvaluationData) -> Ints:
    """All captions but the first ones, or those of an even sample of pictures."""
    others = data.others
    if len(others) <= MAX_QUERIES:
        return others
    asking = np.unique(data.owners[others])
    step = -(-len(others) // MAX_QUERIES)
    return others[np.isin(data.owners[others], asking[::step])]
