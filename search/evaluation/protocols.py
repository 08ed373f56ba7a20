"""The protocols: recall@k by the picture alone, by the caption alone, and by both fused.

"picture" asks with every caption and ranks by the picture alone; "caption" and "fused" index the
first caption of each picture and ask with the others.
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

REFERENCE = "mean"  # what every other strategy must be better than to be worth having
PICTURE, IMAGE_TO_TEXT, CAPTION = "picture", "image_to_text", "caption"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was found by the protocols, in a data set of so many pictures.

    `picture` by the picture alone and `image_to_text` the other way round; `caption` by the
    caption alone (None where every picture has but one); `fused` by the name of the fusion;
    `alone` by the picture alone, for the queries of `caption` and `fused`.
    """

    pictures: int
    picture: RetrievalRanks
    image_to_text: RetrievalRanks
    alone: RetrievalRanks
    caption: RetrievalRanks | None
    fused: Mapping[str, RetrievalRanks]

    def fields(self, *, ci: bool = False) -> dict[str, Any]:
        """The figures as scripts read them; with their intervals where they are asked for."""
        protocols: dict[str, Any] = {
            PICTURE: {
                "text_to_image": measured(self.picture, ci=ci),
                "image_to_text": measured(self.image_to_text, ci=ci),
            }
        }
        if self.caption is not None:
            protocols[CAPTION] = {"text_to_image": measured(self.caption, ci=ci)}
            protocols["fused"] = {
                name: {"text_to_image": measured(found, ci=ci)}
                for name, found in self.fused.items()
            }
        result: dict[str, Any] = {"pictures": self.pictures, "protocols": protocols}
        if ci and REFERENCE in self.fused:
            asking = len(np.unique(self.fused[REFERENCE].pictures))
            result["differences"] = {"against": REFERENCE, "asking": asking, **self._differences()}
        return result

    def _differences(self) -> dict[str, Any]:
        """How far the others are ahead of `mean`, each on the same queries."""
        mean = self.fused[REFERENCE]
        others = {PICTURE: self.alone, CAPTION: self.caption, **self.fused}
        del others[REFERENCE]
        return {
            name: difference(found, mean).fields()
            for name, found in others.items()
            if found is not None
        }


def measured(found: RetrievalRanks, *, ci: bool) -> dict[str, Any]:
    """The figures of one protocol, with their intervals where they are asked for."""
    result: dict[str, Any] = figures(found.ranks)
    return {**result, "ci95": intervals(found)} if ci else result


def evaluate_captions(
    data: EvaluationData, fusions: Mapping[str, Fusion]
) -> Generator[Progress, None, Evaluation]:
    """Measure the protocols for fusions by name; yields how many queries of all have been asked."""
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
    found = yield from measure(data, tasks)
    picture = found[PICTURE, ""]
    return Evaluation(
        len(data.v_i),
        picture,
        found[IMAGE_TO_TEXT, ""],
        RetrievalRanks(picture.ranks[others], picture.pictures[others]),
        found.get((CAPTION, "")),
        {name: each for (kind, name), each in found.items() if kind == "fused"},
    )


def all_captioned(data: EvaluationData, fusion: Fusion, weight: float, queries: Ints) -> QueryTrial:
    """A trial in which every picture is indexed with its first caption."""
    return QueryTrial(fusion, weight, np.ones(len(data.v_i), np.bool_), queries)
