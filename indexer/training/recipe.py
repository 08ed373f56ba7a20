"""From a captioned data set to a heads file: features, split, training, figures."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from indexer.encoders.heads import BUILT_IN, read_heads, write_heads
from indexer.encoders.mini import Towers
from indexer.encoders.towers import Tail, Trunk
from indexer.errors import DatasetError
from indexer.report import Progress
from indexer.training.align import AlignSettings, HeadsTrainer, figures_of
from indexer.training.datasets import read_split, validation_names
from indexer.training.features import Extracted, Features, extract
from indexer.training.imagenet import imagenet_wordings
from indexer.training.loop import Epoch, train


@dataclass(frozen=True, slots=True)
class AlignRecipe:
    """What to train on, and where the result goes.

    `split` restricts the data set; `validation` is a list of names, or the share of the pictures
    that is held out for early stopping; `report` is a list of names that is only reported on;
    `checkpoint` and `curves` are as the training loop has them.
    """

    folder: Path
    output: Path
    split: Path | None = None
    validation: Path | float = 1 / 12
    report: Path | None = None
    captions: Sequence[Path] = ()
    checkpoint: Path | None = None
    curves: Path | None = None
    settings: AlignSettings = field(default_factory=AlignSettings)


def align(recipe: AlignRecipe, cache: Path) -> Iterator[Progress | Epoch]:
    """Train heads and write the best, with a JSON of settings and figures beside them.

    Yields `Progress` while features are made, and what the training loop does. An interrupted
    training goes on from its checkpoint.
    """
    start = time.monotonic()
    towers = Towers(cache)
    data = Extracted()
    only = read_split(recipe.folder, recipe.split) if recipe.split else None
    yield from extract(
        recipe.folder,
        towers,
        cache,
        data,
        only=only,
        captions=recipe.captions,
        views=recipe.settings.views,
    )
    learned, validation = _split(recipe, data)
    class_texts = np.stack([towers.text_features(texts) for texts in imagenet_wordings()])
    trainer = HeadsTrainer(learned, validation, class_texts, recipe.settings)
    facts: dict[str, Any] = {
        "settings": asdict(recipe.settings),
        "data": _fingerprint(data),
        "pictures": {"train": len(learned.captions), "validation": len(validation.captions)},
        "unreadable": data.failed,
        "built_in": _figures(BUILT_IN, validation),
        "epochs": [],
    }
    key = repr((facts["data"], recipe.validation))
    for event in train(
        trainer.task(key), recipe.settings.loop, checkpoint=recipe.checkpoint, curves=recipe.curves
    ):
        if isinstance(event, Epoch):
            facts["epochs"].append({"loss": round(event.loss, 4), "validation": event.figures})
            facts |= {"best_epoch": event.number} if event.best else {}
        yield event
    write_heads(recipe.output, trainer.weights(), facts["settings"])
    facts["validation"] = _figures(recipe.output, validation)
    _write_facts(recipe.output, facts, start)
    if recipe.report:
        yield from _report(recipe, towers, cache, facts, start)


def _split(recipe: AlignRecipe, data: Extracted) -> tuple[Features, Features]:
    chosen = validation_names(recipe.folder, data.names, recipe.validation)
    inside = np.array([name in chosen for name in data.names])
    if inside.all() or inside.sum() < 2:
        raise DatasetError(
            f"{recipe.validation}: leaves {int((~inside).sum())} pictures to train on and "
            f"{int(inside.sum())} to validate on; choose another split"
        )
    assert data.features is not None
    return data.features.subset(~inside), data.features.subset(inside)


def _report(
    recipe: AlignRecipe, towers: Towers, cache: Path, facts: dict[str, Any], start: float
) -> Iterator[Progress]:
    """Add the figures on the `report` split, which no choice of the training depends on."""
    assert recipe.report is not None
    data = Extracted()
    only = read_split(recipe.folder, recipe.report)
    yield from extract(recipe.folder, towers, cache, data, only=only, captions=recipe.captions)
    assert data.features is not None
    facts["report"] = _figures(recipe.output, data.features)
    _write_facts(recipe.output, facts, start)


def _figures(heads: Path, data: Features) -> dict[str, float]:
    """Text-to-image figures of a heads file."""
    tail = Tail(Trunk())
    tail.load(heads)
    return figures_of(tail, read_heads(heads)[0], data)


def _write_facts(output: Path, facts: dict[str, Any], start: float) -> None:
    facts["wall_seconds"] = round(time.monotonic() - start)
    output.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")


def _fingerprint(data: Extracted) -> str:
    """Hash of the names and captions that were trained on."""
    pairs = [
        (name.hex(), captions) for name, captions in zip(data.names, data.captions, strict=True)
    ]
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:32]
