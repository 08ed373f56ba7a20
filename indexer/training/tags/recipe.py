"""Train a tag head on a data set's library and a table of labels, and write its file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from indexer.datasets.folder import read_split, validation_mask
from indexer.datasets.labels import TagSets, read_labels, tag_names, without_rare
from indexer.embedding import Mask
from indexer.errors import DatasetError
from indexer.library.library import Library
from indexer.progress import Progress
from indexer.tag_head import BOTH, CAPTION, TagHeadFacts, write_tag_head
from indexer.training.facts import write_facts
from indexer.training.loop import Epoch
from indexer.training.tags.examples import Examples, read_examples
from indexer.training.tags.figures import average_precision, f1
from indexer.training.tags.fit import HALF, TagFit, figures_with_intervals, fit, predict
from indexer.training.tags.model import TagSettings

CURVES, CHECKPOINT = ".curves", ".checkpoint"  # beside the output


@dataclass(frozen=True, slots=True)
class TagRecipe:
    """Data and output of a training.

    `validation` is a list of names, or the share of the labelled pictures to hold out; `report` is
    a list of names used only for final figures. `exclusive` is derived from the labels if it is
    None; `input` is "both", "picture" or "caption".
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

    It uses the embeddings of the library and encodes nothing. An interrupted run of the same
    command resumes from its checkpoint.
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
    report_facts = {
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
        "tags": _figures_by_tag(fitted, data[1]),
        "report": _report_figures(fitted, examples, reported),
    }
    write_facts(recipe.output, report_facts, start)


def _labels(recipe: TagRecipe) -> tuple[TagSets, list[str], bool]:
    """The labels, the rare ones left out of them, and whether they exclude each other."""
    sets = read_labels(recipe.folder, recipe.labels)
    exclusive = sets.exclusive if recipe.exclusive is None else recipe.exclusive
    if exclusive and not sets.exclusive:
        count = sum(len(tags) != 1 for tags in sets.of.values())
        raise DatasetError(
            f"{sets.table}: {count} pictures do not have exactly one label; omit --exclusive"
        )
    kept, rare = without_rare(sets, exclusive=exclusive)
    return kept, rare, exclusive


def _split(recipe: TagRecipe, examples: Examples) -> tuple[Examples, Examples]:
    held_out = validation_mask(
        recipe.folder, examples.names, recipe.validation, kind="labelled pictures"
    )
    return examples.take(~held_out), examples.take(held_out)


def _figures_by_tag(fitted: TagFit, validation: Examples) -> dict[str, dict[str, float]]:
    """Pictures, threshold, average precision and F1 of each tag, on all validation pictures."""
    assert fitted.head is not None
    predicted = predict(fitted.head, validation)
    by_tag = {}
    for n, tag in enumerate(fitted.head.facts.tags):
        right = predicted.targets[:, n]
        by_tag[tag] = {
            "pictures": int(right.sum()),
            "threshold": round(float(fitted.head.weights["threshold"][n]), 3),
            "ap": round(100 * average_precision(predicted.probabilities[:, n], right), 2),
            "f1": round(100 * f1(predicted.given[:, n], right), 2),
        }
    return by_tag


def _report_figures(fitted: TagFit, examples: Examples, mask: Mask | None) -> dict[str, Any] | None:
    """Figures on the pictures that no decision of the training depends on."""
    if mask is None or fitted.head is None:
        return None
    if not mask.any():
        raise DatasetError("none of the pictures to report on has a label; check --report")
    return figures_with_intervals(predict(fitted.head, examples.take(mask)))
