"""From a captioned data set to a heads file: features, split, training, figures."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from indexer.datasets.folder import read_split, validation_names
from indexer.embedding import TEXT, centred_query
from indexer.encoders.mini.heads import BUILT_IN, read_heads, write_heads
from indexer.encoders.mini.image_tower import Tail, Trunk
from indexer.encoders.mini.projection import means_of, project_images, project_texts
from indexer.encoders.mini.towers import Towers
from indexer.errors import DatasetError
from indexer.files import file_hash, whole_file
from indexer.progress import Progress
from indexer.training.loop import Epoch, Task, train
from indexer.training.mini.alignment import Alignment, AlignSettings, Weights, judged
from indexer.training.mini.features import ExtractedFeatures, Features, extract
from indexer.training.mini.heads_model import arrays, image_features
from indexer.training.mini.short_texts import ShortTextsStage
from indexer.training.mini.stages import (
    HeadsStage,
    ImageTailStage,
    MoreHeadsStage,
    more_heads,
    with_tail,
)
from indexer.training.mini.texts import Texts, read_texts
from indexer.weights_file import packed


def write_tail(path: Path, tail: Tail, key: str) -> None:
    """Write a tail as a heads file holds it, in float16; `key` tells how it came about."""
    tensors = {name: a.astype(np.float16) for name, a in arrays(tail.stored()).items()}
    with whole_file(path) as unfinished:
        unfinished.write_bytes(packed(tensors, "key", key))


def key_of(path: Path) -> str | None:
    """The key of a kept tail; of anything else, and of what cannot be read, there is none."""
    try:
        with safe_open(path, framework="numpy") as file:
            return str(json.loads((file.metadata() or {}).get("key", "null")))
    except (OSError, SafetensorError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class AlignRecipe:
    """What to train on, and where the result goes.

    `tail`: a heads file whose image tail is taken, rather than to train one;
    `split` restricts the data set; `validation` is a list of names, or the share of the pictures
    that is held out for early stopping; `report` is a list of names that is only reported on;
    `checkpoint` and `curves` are as the training loop has them.
    """

    folder: Path
    output: Path
    split: Path | None = None
    validation: Path | float = 1 / 12
    report: Path | None = None
    tail: Path | None = None
    captions: Sequence[Path] = ()
    checkpoint: Path | None = None
    curves: Path | None = None
    settings: AlignSettings = field(default_factory=AlignSettings)


def align(recipe: AlignRecipe, cache: Path) -> Iterator[Progress | Epoch | str]:
    """Train tails and heads and write the best, with a JSON of settings and figures beside them.

    Yields `Progress` while features are made, what the training loop does, and the name of each
    part before its epochs. An interrupted training goes on from where it was.
    """
    start = time.monotonic()
    towers = Towers(cache)
    data = ExtractedFeatures()
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
    parts = _split(recipe, data)
    learned, validation = parts
    texts = yield from read_texts(towers, data.texts(), learned.captions, validation.captions)
    facts: dict[str, Any] = {
        "settings": asdict(recipe.settings),
        "data": _fingerprint(data),
        "pictures": {"train": len(learned.captions), "validation": len(validation.captions)},
        "unreadable": data.failed,
        "built_in": _figures(BUILT_IN, validation, data, cache),
    }
    key = repr((facts["data"], recipe.validation))
    kept = recipe.output.with_suffix(".tail")
    if recipe.tail is None:
        first = ImageTailStage(*parts, texts.captions, texts.classes, recipe.settings)
        yield from _train_tail(first, recipe, key, facts, kept)
    tail = Tail(Trunk())
    tail.load(recipe.tail or kept)
    seen = (yield from with_tail(tail, learned)), (yield from with_tail(tail, validation))
    trainer = HeadsStage(*seen, texts.captions, texts.classes, recipe.settings)
    key = repr((key, file_hash(recipe.tail or kept)))
    weights = yield from _train_heads(trainer, texts, recipe, key, facts)
    weights |= arrays(tail.stored())
    write_heads(recipe.output, weights, facts["settings"])
    facts["validation"] = _figures(recipe.output, validation, data, cache)
    _write_facts(recipe.output, facts, start)
    if recipe.report:
        yield from _report(recipe, towers, cache, facts, start)
    if recipe.tail is None:
        kept.unlink()
    for path in _checkpoints(recipe):
        path.unlink(missing_ok=True)


def _train_tail(
    trainer: ImageTailStage, recipe: AlignRecipe, key: str, facts: dict[str, Any], kept: Path
) -> Iterator[Progress | Epoch | str]:
    """Train an image tail and keep it in a file, unless an interrupted run has done so before."""
    made_with = repr((key, recipe.settings))
    if key_of(kept) != made_with:
        yield from _train(trainer, recipe, key, facts)
        write_tail(kept, trainer.tail, made_with)


def _train_heads(
    trainer: HeadsStage, texts: Texts, recipe: AlignRecipe, key: str, facts: dict[str, Any]
) -> Generator[Progress | Epoch | str, None, Weights]:
    """Train heads and text tail, more heads, and short texts; return all that came of it."""
    yield from _train(trainer, recipe, key, facts, keep=True)
    others = yield from _train_more(trainer, recipe, key, facts)
    weights = trainer.joined(others)
    if texts.short.pictures and texts.asking.pictures:
        short = trainer.short_texts(weights, texts.short, texts.asking)
        yield from _train(short, recipe, key, facts, keep=True)
        weights = short.learned()
    return trainer.completed(weights, texts.named)


def _train_more(
    first: HeadsStage, recipe: AlignRecipe, key: str, facts: dict[str, Any]
) -> Generator[Progress | Epoch | str, None, list[Weights]]:
    """Train more heads on the tails of the first ones, and return their weights."""
    found = []
    for number in range(1, recipe.settings.more + 1):
        trainer = MoreHeadsStage(first, number)
        yield from _train(trainer, recipe, key, facts, keep=True)
        found.append(trainer.exported())
    return found


def _train(
    trainer: Alignment | ShortTextsStage,
    recipe: AlignRecipe,
    key: str,
    facts: dict[str, Any],
    *,
    keep: bool = False,
) -> Iterator[Progress | Epoch | str]:
    """Name what is trained, run the loop, and note its epochs under that name."""
    yield trainer.name
    noted = facts[trainer.name] = {"epochs": [], "best_epoch": 0}
    curves = recipe.curves and recipe.curves / trainer.name.replace(" ", "-")
    point = recipe.checkpoint and _beside(recipe.checkpoint, trainer.name)
    task: Task[Any] = trainer.task(key)
    events = train(task, trainer.loop, checkpoint=point, curves=curves, keep=keep)
    for event in events:
        if isinstance(event, Epoch):
            noted["epochs"].append({"loss": round(event.loss, 4), "validation": event.figures})
            noted["best_epoch"] = event.number if event.best else noted["best_epoch"]
        yield event


def _beside(checkpoint: Path, part: str) -> Path:
    """The checkpoint of one part: a part that is done is not trained again when a later one is."""
    return checkpoint.with_stem(f"{checkpoint.stem}-{part.replace(' ', '-')}")


def _checkpoints(recipe: AlignRecipe) -> list[Path]:
    """The checkpoints of all parts."""
    parts = [ImageTailStage.name, HeadsStage.name]
    parts += map(more_heads, range(1, recipe.settings.more + 1))
    parts.append(ShortTextsStage.name)
    return [_beside(recipe.checkpoint, part) for part in parts] if recipe.checkpoint else []


def _split(recipe: AlignRecipe, data: ExtractedFeatures) -> tuple[Features, Features]:
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
    data = ExtractedFeatures()
    only = read_split(recipe.folder, recipe.report)
    yield from extract(recipe.folder, towers, cache, data, only=only, captions=recipe.captions)
    assert data.features is not None
    facts["report"] = _figures(recipe.output, data.features, data, cache)
    _write_facts(recipe.output, facts, start)


def _figures(
    heads: Path, chosen: Features, data: ExtractedFeatures, cache: Path
) -> dict[str, float]:
    """Text-to-image figures of a heads file, on pictures of a data set, asked as in a search."""
    tail = Tail(Trunk())
    tail.load(heads)
    with torch.no_grad():
        plain = image_features(tail, chosen.views[0], chosen.maps[0, chosen.places]).numpy()
    texts = data.texts()
    captions = Towers(cache, heads).text_features([texts[k] for k in chosen.all_captions()])
    weights, _ = read_heads(heads)
    asked = centred_query(project_texts(captions, weights), TEXT, means_of(weights))
    return judged(project_images(plain, weights), asked, chosen)[1]


def _write_facts(output: Path, facts: dict[str, Any], start: float) -> None:
    facts["wall_seconds"] = round(time.monotonic() - start)
    output.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")


def _fingerprint(data: ExtractedFeatures) -> str:
    """Hash of the names and captions that were trained on."""
    pairs = [
        (name.hex(), captions) for name, captions in zip(data.names, data.captions, strict=True)
    ]
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:32]
