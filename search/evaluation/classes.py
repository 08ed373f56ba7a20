"""Picture to class name: how often the right class of a labelled picture ranks first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexer.datasets.folder import ClassText
from indexer.embedding import IMAGE, Rows, centred_query
from indexer.encoders import Encoder
from indexer.errors import DatasetError
from indexer.metrics.bootstrap import intervals
from indexer.metrics.recall import RetrievalRanks, figures, ranks
from search.evaluation.trials import parts

TOPS = {"top1": "r@1", "top5": "r@5"}


@dataclass(frozen=True, slots=True)
class ClassEvaluation:
    """The rank of the right class of each picture, among a number of `classes`."""

    found: RetrievalRanks
    classes: int

    def fields(self, *, ci: bool = False) -> dict[str, Any]:
        """The figures as scripts read them, in per cent."""
        measured = figures(self.found.ranks)
        tops = {top: measured[name] for top, name in TOPS.items()}
        result = {"pictures": len(self.found.ranks), "classes": self.classes, **tops}
        if ci and len(self.found.ranks):
            spans = intervals(self.found)
            return {**result, "ci95": {top: spans[name] for top, name in TOPS.items()}}
        return result


def evaluate_classes(
    v_i: Rows, labels: Sequence[str], classes: Sequence[ClassText], encoder: Encoder
) -> ClassEvaluation:
    """Rank the classes for each picture; two classes of one name count as one.

    `labels`: the class name of each row of `v_i`.
    """
    missing = set(labels) - {name for name, _ in classes}
    if missing:
        raise DatasetError(
            f"{len(missing)} labels are not among the classes, such as {min(missing)!r}; "
            "give a file that lists them with --classes FILE"
        )
    t = encoder.encode_texts([text for _, text in classes])
    q = centred_query(v_i, IMAGE, encoder.means)
    names, right = np.array([name for name, _ in classes]), np.array(labels)
    parts_ranked = [
        ranks(q[part] @ t.T, right[part, None] == names) for part in parts(len(q), len(names))
    ]
    every = np.concatenate([np.zeros(0, np.int64), *parts_ranked])
    return ClassEvaluation(RetrievalRanks(every, np.arange(len(q))), len(set(names.tolist())))
