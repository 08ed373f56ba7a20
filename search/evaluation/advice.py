"""Which fusion and which weight suit a data set best, and whether that is more than chance."""

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
QUERIES = 5000  # that try every weight: enough for an interval of one per cent


class AdvisedSetting(NamedTuple):
    """A fusion, and the weight that it is asked with."""

    fusion: str
    weight: float


DEFAULT = AdvisedSetting(DEFAULT_FUSION, DEFAULT_WEIGHT)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to set a library to.

    `tried` are the mean reciprocal ranks of all settings, `best` is the one with the highest, and
    `gain` what choosing so is worth against the default, on pictures that had no say in the
    choice. `asking` pictures could ask: those with two captions or more.
    """

    asking: int
    tried: Mapping[AdvisedSetting, float]
    best: AdvisedSetting
    gain: Difference

    @property
    def weighable(self) -> bool:
        """Whether the chosen fusion takes a weight: it was tried with more than one."""
        return sum(setting.fusion == self.chosen.fusion for setting in self.tried) > 1

    @property
    def is_sure(self) -> bool:
        """Whether `best` is shown to be better than the default."""
        return self.asking >= MIN_PICTURES and self.best != DEFAULT and self.gain.verdict() > 0

    @property
    def chosen(self) -> AdvisedSetting:
        """The setting to adopt: the default where nothing is shown to be better."""
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
    """Try each of the fusions, at every weight where it takes one; None where no caption can ask.

    At weight 0 a picture without a caption cannot be found at all, so it is tried and shown, but
    never the best.
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
    found = yield from measure(data, tasks)
    return judged(found)


def judged(found: Mapping[AdvisedSetting, RetrievalRanks]) -> Advice:
    """The advice that follows from what each setting found, all asked the same queries."""
    default = found[DEFAULT]
    asking, position = np.unique(default.pictures, return_inverse=True)
    one_half = np.random.default_rng(SEED).permutation(len(asking))[position] % 2 == 0
    ranks = np.where(  # each half is asked by what the other half has chosen
        one_half, found[_best(found, ~one_half)].ranks, found[_best(found, one_half)].ranks
    )
    return Advice(
        len(asking),
        {setting: figures(each.ranks)[MRR] for setting, each in found.items()},
        _best(found, np.ones_like(one_half)),
        difference(RetrievalRanks(ranks, default.pictures), default),
    )


def _best(
    found: Mapping[AdvisedSetting, RetrievalRanks], asked: np.ndarray[Any, np.dtype[np.bool_]]
) -> AdvisedSetting:
    """The setting with the highest mean reciprocal rank for some queries; the default in a tie."""
    eligible = {setting: each for setting, each in found.items() if setting.weight > 0}
    if not asked.any():
        return DEFAULT
    scores = {setting: float((1 / f.ranks[asked]).mean()) for setting, f in eligible.items()}
    return max(scores, key=lambda setting: (scores[setting], setting == DEFAULT))


def _some_queries(data: EvaluationData) -> Ints:
    """The queries of the first captions' siblings: all, or those of an even sample of pictures."""
    others = data.others
    if len(others) <= QUERIES:
        return others
    asking = np.unique(data.owners[others])
    step = -(-len(others) // QUERIES)
    return others[np.isin(data.owners[others], asking[::step])]
