"""Train a learned fusion on a library of captioned pictures: split, training, file, figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from indexer.datasets.folder import validation_names
from indexer.datasets.pairs import CaptionedRows, captioned_rows
from indexer.embedding import TEXT, centred_query
from indexer.errors import DatasetError
from indexer.fusion.weights import read_weights, write_weights
from indexer.library.library import Library
from indexer.metrics.bootstrap import difference
from indexer.metrics.recall import figures
from indexer.progress import Progress
from indexer.training.facts import epoch_facts, read_facts, write_facts
from indexer.training.fusion.corruption import fitting_strength
from indexer.training.fusion.model import FusionModel
from indexer.training.fusion.trainer import FusionSettings, FusionTrainer, trial_ranks
from indexer.training.loop import Epoch, train


@dataclass(frozen=True, slots=True)
class FusionRecipe:
    """Data and output of a training.

    `validation` is a list of names, or the share of the pictures to hold out for early stopping;
    `checkpoint` and `curves` are those of the training loop. `corruption` is derived from the
    held-out pictures if it is None.
    """

    folder: Path
    output: Path
    validation: Path | float = 1 / 12
    checkpoint: Path | None = None
    curves: Path | None = None
    corruption: float | None = None
    settings: FusionSettings = field(default_factory=FusionSettings)


def train_fusion(library: Library, recipe: FusionRecipe) -> Iterator[Progress | Epoch]:
    """Train a fusion on the embeddings of a library; yields the events of the training loop.

    Writes the best epoch, and a JSON of settings and figures beside it. Raises `DatasetError`.
    """
    means = library.encoder.means
    learned, validation = _split(recipe, captioned_rows(library))
    queries = centred_query(learned.v_t, TEXT, means), centred_query(validation.v_t, TEXT, means)
    strength = recipe.corruption
    if strength is None:
        strength = fitting_strength(learned, validation, queries, recipe.settings.loop.seed)
    trainer = FusionTrainer(learned, validation, queries, recipe.settings, strength)
    before = trial_ranks(None, validation, queries[1])
    facts: dict[str, Any] = {
        "settings": asdict(recipe.settings) | {"corruption": round(strength, 4)},
        "encoder": {"name": library.encoder.name, "fingerprint": library.encoder.fingerprint},
        "data": {"train": learned.key, "validation": validation.key},
        "pictures": {"train": len(learned.names), "validation": len(validation.names)},
        "mean": figures(before.ranks),
        "epochs": [],
    }
    for event in train(
        trainer.task(), recipe.settings.loop, checkpoint=recipe.checkpoint, curves=recipe.curves
    ):
        if isinstance(event, Epoch):
            facts["epochs"].append(epoch_facts(event))
        yield event
    after = trial_ranks(trainer.model, validation, queries[1])
    facts |= {"validation": figures(after.ranks), "gain": difference(after, before).fields()}
    _write(library, recipe, trainer, facts)


def report_fusion(library: Library, file: Path) -> dict[str, Any]:
    """Figures of a fusion file, and of `mean`, on a library that its training did not see.

    Adds them to the JSON beside the file.
    """
    data, weights = captioned_rows(library), read_weights(file)
    queries = centred_query(data.v_t, TEXT, library.encoder.means)
    fused = trial_ranks(FusionModel.of(weights), data, queries)
    mean = trial_ranks(None, data, queries)
    report: dict[str, Any] = {"mean": figures(mean.ranks), "fused": figures(fused.ranks)}
    report["gain"] = difference(fused, mean).fields()
    write_facts(file, read_facts(file) | {"report": report})
    return report


def _split(recipe: FusionRecipe, data: CaptionedRows) -> tuple[CaptionedRows, CaptionedRows]:
    """The pictures to train on and those to validate on."""
    held_out = validation_names(recipe.folder, data.names, recipe.validation)
    learned, validation = data.subset(set(data.names) - held_out), data.subset(held_out)
    several = [int((part.counts > 1).sum()) for part in (learned, validation)]
    if min(several) < 2:
        raise DatasetError(
            f"{recipe.folder}: training a fusion takes pictures with two captions, one to index "
            f"and one as the query; only {several[0]} to train on and {several[1]} held out qualify"
        )
    return learned, validation


def _write(
    library: Library, recipe: FusionRecipe, trainer: FusionTrainer, facts: dict[str, Any]
) -> None:
    encoder = library.encoder
    write_weights(
        recipe.output,
        recipe.settings.strategy,
        trainer.tensors(),
        encoder=encoder.fingerprint,
        encoder_name=encoder.name,
        settings=facts["settings"],
    )
    write_facts(recipe.output, facts)
