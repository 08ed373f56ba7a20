"""From a captioned data set to a heads file: features, split, training, figures."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from indexer.encoders.heads import BUILT_IN, read_heads, write_heads
from indexer.encoders.mini import Towers
from indexer.errors import DatasetError
from indexer.report import Progress
from indexer.training.align import AlignSettings, Epoch, Features, judged, train_heads
from indexer.training.datasets import held_out, read_split
from indexer.training.features import Extracted, extract
from indexer.training.imagenet import imagenet_classes


@dataclass(frozen=True, slots=True)
class AlignRecipe:
    """What to train on, and where the result goes.

    `split` restricts the data set; `validation` is a list of names, or the share of the pictures
    that is held out for early stopping; `report` is a list of names that is only reported on.
    """

    folder: Path
    output: Path
    split: Path | None = None
    validation: Path | float = 1 / 12
    report: Path | None = None
    captions: Sequence[Path] = ()
    mirrored: bool = True
    settings: AlignSettings = field(default_factory=AlignSettings)


def align(recipe: AlignRecipe, cache: Path) -> Iterator[Progress | Epoch]:
    """Train heads and write them, with a JSON of settings and figures beside them.

    Yields `Progress` while features are made and an `Epoch` after each of the training. The
    output holds the best epoch so far, so that an interrupt costs only what came after it.
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
        mirrored=recipe.mirrored,
    )
    train, validation = _split(recipe, data)
    class_texts = towers.text_features([text for _, text in imagenet_classes(definitions=True)])
    facts: dict[str, Any] = {
        "settings": asdict(recipe.settings),
        "mirrored": recipe.mirrored,
        "data": _fingerprint(data),
        "pictures": {"train": len(train.images), "validation": len(validation.images)},
        "unreadable": data.failed,
        "built_in": _figures(BUILT_IN, validation),
        "epochs": [],
    }
    best = -1.0
    for epoch in train_heads(train, validation, class_texts, recipe.settings):
        facts["epochs"].append({"loss": round(epoch.loss, 4), "validation": epoch.figures})
        if epoch.recall > best:
            best = epoch.recall
            facts |= {"best_epoch": epoch.number, "validation": epoch.figures}
            _write(recipe.output, epoch, facts, start)
        yield epoch
    if recipe.report:
        yield from _report(recipe, towers, cache, facts, start)


def _split(recipe: AlignRecipe, data: Extracted) -> tuple[Features, Features]:
    if isinstance(recipe.validation, Path):
        chosen: Collection[bytes] = read_split(recipe.folder, recipe.validation)
    else:
        chosen = held_out(data.names, recipe.validation)
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
    return judged(0, 0.0, read_heads(heads)[0], data).figures


def _write(output: Path, epoch: Epoch, facts: dict[str, Any], start: float) -> None:
    write_heads(output, epoch.weights, facts["settings"])
    _write_facts(output, facts, start)


def _write_facts(output: Path, facts: dict[str, Any], start: float) -> None:
    facts["wall_seconds"] = round(time.monotonic() - start)
    output.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")


def _fingerprint(data: Extracted) -> str:
    """Hash of the names and captions that were trained on."""
    pairs = [
        (name.hex(), captions) for name, captions in zip(data.names, data.captions, strict=True)
    ]
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:32]
