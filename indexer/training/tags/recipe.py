"""From a data set's library and a table of labels to the file of a tag head."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from indexer.datasets.folder import read_split, validation_names
from indexer.datasets.labels import TagSets, read_labels, tag_names, without_rare
from indexer.errors import DatasetError
from indexer.library.library import Library
from indexer.progress import Progress
from indexer.tag_head import BOTH, CAPTION, TagHeadFacts, write_tag_head
from indexer.training.loop import Epoch
from indexer.training.tags.examples import Examples, read_examples
from indexer.training.tags.figures import average_precision, f1
from indexer.training.tags.fit import HALF, TagFit, fit, judged, with_intervals
from indexer.training.tags.model import TagSettings

CURVES, CHECKPOINT = ".curves", ".checkpoint"  # beside the output


@dataclass(frozen=True, slots=True)
class TagRecipe:
    """What to train on, and where the result goes.

    `validation` is a list of names, or the share of the labelled pictures that is held out;
    `report` is a list of names that is only reported on. `exclusive` is taken from the labels
    where it is None; `input` is "both", "picture" or "caption".
    """

    folder: Path
    output: Path
    labels: Path | None = None
    validation: Path | float = 0.25
    report: Path | None = None
    input: str = BOTH
    exclusive: bool | None = None
    threshold: str = HALF
    settings: TagSettings = field(default_factory=TagSettings)


def train_tags(recipe: TagRecipe, library: Library) -> Iterator[Progress | Epoch]:
    """Train a tag head on a data set's library; writes it, and a JSON of settings and figures.

    Nothing is encoded: the embeddings are those that the library has. An interrupted run of the
    same command goes on from its checkpoint.
    """
    start = time.monotonic()
    sets, rare, exclusive = _labels(recipe)
    tags, settings = tag_names(sets), library.settings
    examples = read_examples(library, sets, tags)
    report = recipe.report
    reported = examples.named(read_split(recipe.folder, report)) if report else None
    data = _split(recipe, examples if reported is None else examples.take(~reported))
    if recipe.input == CAPTION and not data[0].has_caption.any():
        raise DatasetError(
            f"{recipe.folder}: none of its labelled pictures has a caption; use --input picture"
        )
    facts = TagHeadFacts(
        tags, settings.encoder, settings.fingerprint, settings.dim, recipe.input, exclusive
    )
    fitted = TagFit()
    yield from fit(
        data,
        facts,
        recipe.settings,
        fitted,
        threshold=recipe.threshold,
        checkpoint=recipe.output.with_suffix(CHECKPOINT),
        curves=recipe.output.with_suffix(CURVES),
    )
    assert fitted.head is not None
    write_tag_head(recipe.output, fitted.head.content)
    said = {
        "facts": asdict(facts),
        "settings": asdict(recipe.settings),
        "threshold": recipe.threshold,
        "labels": sets.table.name,
        "rare": rare,
        "labelled": dict(zip(tags, examples.targets.sum(0).astype(int).tolist(), strict=True)),
        "pictures": {"train": len(data[0]), "validation": len(data[1])},
        "captioned": int(data[0].has_caption.sum()),
        "epochs": fitted.epochs,
        "validation": fitted.figures,
        "tags": _each_tag(fitted, data[1]),
        "report": _reported(fitted, examples, reported),
        "wall_seconds": round(time.monotonic() - start),
    }
    recipe.output.with_suffix(".json").write_text(json.dumps(said, indent=1) + "\n")


def _labels(recipe: TagRecipe) -> tuple[TagSets, list[str], bool]:
    """The labels, what was left out of them, and whether they exclude each other."""
    sets = read_labels(recipe.folder, recipe.labels)
    exclusive = sets.exclusive if recipe.exclusive is None else recipe.exclusive
    if exclusive and not sets.exclusive:
        many = sum(len(tags) != 1 for tags in sets.of.values())
        raise DatasetError(
            f"{sets.table}: {many} pictures do not have exactly one label; omit --exclusive"
        )
    kept, rare = without_rare(sets, exclusive=exclusive)
    return kept, rare, exclusive


def _split(recipe: TagRecipe, examples: Examples) -> tuple[Examples, Examples]:
    chosen = validation_names(recipe.folder, examples.names, recipe.validation)
    inside = examples.named(chosen)
    if inside.all() or not inside.any():
        raise DatasetError(
            f"{recipe.validation}: leaves {int((~inside).sum())} labelled pictures to train on and "
            f"{int(inside.sum())} to validate on; choose another split"
        )
    return examples.take(~inside), examples.take(inside)


def _each_tag(fitted: TagFit, validation: Examples) -> dict[str, dict[str, float]]:
    """Of each tag: its pictures, threshold, average precision and F1 on all of the validation."""
    assert fitted.head is not None
    predicted = judged(fitted.head, validation)
    found = {}
    for n, tag in enumerate(fitted.head.facts.tags):
        right = predicted.targets[:, n]
        found[tag] = {
            "pictures": int(right.sum()),
            "threshold": round(float(fitted.head.weights["threshold"][n]), 3),
            "ap": round(100 * average_precision(predicted.probabilities[:, n], right), 2),
            "f1": round(100 * f1(predicted.given[:, n], right), 2),
        }
    return found


def _reported(fitted: TagFit, examples: Examples, chosen: Any) -> dict[str, Any] | None:
    """Figures on the pictures that no choice of the training depends on."""
    if chosen is None or fitted.head is None:
        return None
    if not np.any(chosen):
        raise DatasetError("none of the pictures to report on has a label; check --report")
    return with_intervals(judged(fitted.head, examples.take(chosen)))
