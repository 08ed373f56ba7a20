"""The protocols: recall@k by the picture alone, by the caption alone, and by both fused.

"picture": every caption is a query, ranked by the picture alone. "caption" and "fused": the first
caption of each picture is indexed, and the others are queries.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer import Progress
from indexer.embedding import Ints
from indexer.fusion import DEFAULT_WEIGHT, Fusion, open_fusion
from indexer.metrics.bootstrap import difference, intervals
from indexer.metrics.recall import RetrievalRanks, figures
from search.evaluation.data import EvaluationData
from search.evaluation.trials import ImageToText, QueryTrial, RetrievalTask, measure

REFERENCE = "mean"  # any other strategy must be better than this to be worth having
PICTURE, IMAGE_TO_TEXT, CAPTION = "picture", "image_to_text", "caption"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The ranks of each protocol, in a data set with a number of `pictures`.

    `picture`: by the picture alone; `image_to_text`: the other way round; `caption`: by the caption
    alone, None if no picture has two captions; `fused`: by name of the fusion; `alone`: by the
    picture alone, for the queries of `caption` and `fused`.
    """

    pictures: int
    picture: RetrievalRanks
    image_to_text: RetrievalRanks
    alone: RetrievalRanks
    caption: RetrievalRanks | None
    fused: Mapping[str, RetrievalRanks]

    def fields(self, *, ci: bool = False) -> dict[str, Any]:
        """The figures as scripts read them; with their intervals if `ci`."""
        protocols: dict[str, Any] = {
            PICTURE: {
                "text_to_image": measured(self.picture, ci=ci),
                "image_to_text": measured(self.image_to_text, ci=ci),
            }
        }
        if self.caption is not None:
            protocols[CAPTION] = {"text_to_image": measured(self.caption, ci=ci)}
            protocols["fused"] = {
                name: {"text_to_image": measured(ranks, ci=ci)}
                for name, ranks in self.fused.items()
            }
        result: dict[str, Any] = {"pictures": self.pictures, "protocols": protocols}
        if ci and REFERENCE in self.fused:
            asking = len(np.unique(self.fused[REFERENCE].pictures))
            result["differences"] = {"against": REFERENCE, "asking": asking, **self._differences()}
        return result

    def _differences(self) -> dict[str, Any]:
        """The lead of each protocol and fusion over `mean`, on the same queries."""
        mean = self.fused[REFERENCE]
        others = {PICTURE: self.alone, CAPTION: self.caption, **self.fused}
        del others[REFERENCE]
        return {
            name: difference(ranks, mean).fields()
            for name, ranks in others.items()
            if ranks is not None
        }


def measured(ranks: RetrievalRanks, *, ci: bool) -> dict[str, Any]:
    """The figures of one protocol; with their intervals if `ci`."""
    result: dict[str, Any] = figures(ranks.ranks)
    return {**result, "ci95": intervals(ranks)} if ci else result


def evaluate_captions(
    data: EvaluationData, fusions: Mapping[str, Fusion]
) -> Generator[Progress, None, Evaluation]:
    """Run the protocols for fusions by name; yields the number of queries that are done."""
    every, others = np.arange(len(data.owners)), data.others
    concat = open_fusion("concat")
    tasks: dict[tuple[str, str], RetrievalTask] = {
        (PICTURE, ""): all_captioned(data, concat, 1.0, every),
        (IMAGE_TO_TEXT, ""): ImageToText(),
    }
    if len(others):
        tasks[CAPTION, ""] = all_captioned(data, concat, 0.0, others)
        for name, fusion in fusions.items():
            tasks["fused", name] = all_captioned(data, fusion, DEFAULT_WEIGHT, others)
    ranks = yield from measure(data, tasks)
    picture = ranks[PICTURE, ""]
    return Evaluation(
        len(data.v_i),
        picture,
        ranks[IMAGE_TO_TEXT, ""],
        RetrievalRanks(picture.ranks[others], picture.pictures[others]),
        ranks.get((CAPTION, "")),
        {name: each for (kind, name), each in ranks.items() if kind == "fused"},
    )


def all_captioned(data: EvaluationData, fusion: Fusion, weight: float, queries: Ints) -> QueryTrial:
    """A trial in which every picture is indexed with its first caption."""
    return QueryTrial(fusion, weight, np.ones(len(data.v_i), np.bool_), queries)
