"""Lost captions: how fairly pictures without a caption rank beside pictures with one."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer import Progress
from indexer.fusion import DEFAULT_WEIGHT, Fusion
from indexer.metrics.recall import figures
from search.evaluation.data import EvaluationData
from search.evaluation.trials import QueryTrial, measure


def evaluate_without_captions(
    data: EvaluationData, share: float, name: str, fusion: Fusion
) -> Generator[Progress, None, dict[str, Any]]:
    """Remove the captions of a share of the pictures, and compare recall before and after.

    `lost` are the queries for pictures that lost their captions; `lost_reference` has no captions
    at all. `kept` are all other queries; `kept_reference` has all captions.
    """
    random = np.random.default_rng(0)
    has_caption = np.ones(len(data.v_i), np.bool_)
    has_caption[random.permutation(len(data.v_i))[: round(share * len(data.v_i))]] = False
    kept = has_caption[data.owners[data.others]]
    everyone, nobody = np.ones_like(has_caption), np.zeros_like(has_caption)

    def trial(captions: NDArray[np.bool_]) -> QueryTrial:
        return QueryTrial(fusion, DEFAULT_WEIGHT, captions, data.others)

    tasks = {"mixed": trial(has_caption), "full": trial(everyone), "off": trial(nobody)}
    results = yield from measure(data, tasks)
    parts = {
        "lost": figures(results["mixed"].ranks[~kept]),
        "lost_reference": figures(results["off"].ranks[~kept]),
        "kept": figures(results["mixed"].ranks[kept]),
        "kept_reference": figures(results["full"].ranks[kept]),
    }
    ratios = {
        f"{side}_ratio": round(parts[side]["r@10"] / max(parts[f"{side}_reference"]["r@10"], 1), 3)
        for side in ("lost", "kept")
    }
    return {"share": share, "fusion": name, **parts, **ratios}
