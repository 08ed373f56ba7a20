"""Train the built-in model on captioned data sets: features, split, training, heads file."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from indexer.datasets.folder import validation_mask
from indexer.embedding import TEXT, centred_query
from indexer.encoders.mini.heads import BUILT_IN, read_heads, write_heads
from indexer.encoders.mini.image_tower import Tail, Trunk
from indexer.encoders.mini.projection import means_of, project_images, project_texts
from indexer.encoders.mini.towers import Towers
from indexer.files import file_hash, whole_file
from indexer.progress import Progress
from indexer.training.facts import epoch_facts, write_facts
from indexer.training.loop import Epoch, Task, train
from indexer.training.mini.alignment import Alignment, AlignSettings, Weights, judge_rows
from indexer.training.mini.extraction import ExtractedFeatures, extract, together
from indexer.training.mini.features import Features
from indexer.training.mini.heads_model import arrays, image_features
from indexer.training.mini.short_texts import ShortTextsStage
from indexer.training.mini.sources import Source
from indexer.training.mini.stages import (
    HeadsStage,
    ImageTailStage,
    MoreHeadsStage,
    add_tail_features,
    more_heads_name,
)
from indexer.training.mini.texts import Texts, read_texts
from indexer.weights_file import packed


def write_tail(path: Path, tail: Tail, key: str) -> None:
    """Write a tail in the form of a heads file, in float16; `key` identifies its training."""
    tensors = {name: a.astype(np.float16) for name, a in arrays(tail.stored()).items()}
    with whole_file(path) as unfinished:
        unfinished.write_bytes(packed(tensors, "key", key))


def tail_key(path: Path) -> str | None:
    """The key of a tail file; None for other or unreadable files."""
    try:
        with safe_open(path, framework="numpy") as file:
            return str(json.loads((file.metadata() or {}).get("key", "null")))
    except (OSError, SafetensorError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class AlignRecipe:
    """Data and output of a training.

    `tail`: a heads file whose image tail is used instead of training one; `validation` is a list of
    names, or the share of each source's pictures to hold out for early stopping; `report` is a list
    of names of the first source, used only for final figures; `checkpoint` and `curves` are those
    of the training loop.
    """

    sources: Sequence[Source]
    output: Path
    validation: Path | float = 1 / 12
    report: Path | None = None
    tail: Path | None = None
    checkpoint: Path | None = None
    curves: Path | None = None
    settings: AlignSettings = field(default_factory=AlignSettings)


def align(recipe: AlignRecipe, cache: Path) -> Iterator[Progress | Epoch | str]:
    """Train tails and heads and write the best, with a JSON of settings and figures beside them.

    Yields `Progress` of the features, the name of each stage before its epochs, and the events of
    the training loop. An interrupted training resumes where it was.
    """
    start = time.monotonic()
    towers = Towers(cache)
    data, held_out = yield from _read(recipe, towers, cache)
    assert data.features is not None
    parts = learned, validation = data.features.subset(~held_out), data.features.subset(held_out)
    data.features = None  # parts are copies
    texts = yield from read_texts(towers, data.texts(), learned.captions, validation.captions)
    facts: dict[str, Any] = {
        "settings": asdict(recipe.settings),
        "data": _fingerprint(data),
        "sources": [_source_facts(source) for source in recipe.sources],
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
    seen = (
        (yield from add_tail_features(tail, learned)),
        (yield from add_tail_features(tail, validation)),
    )
    trainer = HeadsStage(*seen, texts.captions, texts.classes, recipe.settings)
    key = repr((key, file_hash(recipe.tail or kept)))
    weights = yield from _train_heads(trainer, texts, recipe, key, facts)
    weights |= arrays(tail.stored())
    write_heads(recipe.output, weights, facts["settings"])
    facts["validation"] = _figures(recipe.output, validation, data, cache)
    write_facts(recipe.output, facts, start)
    if recipe.report:
        yield from _report(recipe, towers, cache, facts, start)
    if recipe.tail is None:
        kept.unlink()
    for path in _checkpoints(recipe):
        path.unlink(missing_ok=True)


def _train_tail(
    trainer: ImageTailStage, recipe: AlignRecipe, key: str, facts: dict[str, Any], kept: Path
) -> Iterator[Progress | Epoch | str]:
    """Train an image tail and store it in a file, unless an interrupted run has done so."""
    made_with = repr((key, recipe.settings))
    if tail_key(kept) != made_with:
        yield from _train_stage(trainer, recipe, key, facts)
        write_tail(kept, trainer.tail, made_with)


def _train_heads(
    trainer: HeadsStage, texts: Texts, recipe: AlignRecipe, key: str, facts: dict[str, Any]
) -> Generator[Progress | Epoch | str, None, Weights]:
    """Train heads with the text tail, more heads, and short texts; returns all tensors."""
    yield from _train_stage(trainer, recipe, key, facts, keep=True)
    others = yield from _train_more_heads(trainer, recipe, key, facts)
    weights = trainer.join_heads(others)
    if texts.short.pictures and texts.validation.pictures:
        short = trainer.short_texts(weights, texts.short, texts.validation)
        yield from _train_stage(short, recipe, key, facts, keep=True)
        weights = short.learned()
    return trainer.complete(weights, texts.named)


def _train_more_heads(
    first: HeadsStage, recipe: AlignRecipe, key: str, facts: dict[str, Any]
) -> Generator[Progress | Epoch | str, None, list[Weights]]:
    """Train more heads on the tails of the first ones; returns their weights."""
    weights = []
    for number in range(1, recipe.settings.more + 1):
        trainer = MoreHeadsStage(first, number)
        yield from _train_stage(trainer, recipe, key, facts, keep=True)
        weights.append(trainer.exported())
    return weights


def _train_stage(
    trainer: Alignment | ShortTextsStage,
    recipe: AlignRecipe,
    key: str,
    facts: dict[str, Any],
    *,
    keep: bool = False,
) -> Iterator[Progress | Epoch | str]:
    """Yield the name of a stage, run the loop, and note its epochs under that name."""
    yield trainer.name
    noted = facts[trainer.name] = {"epochs": [], "best_epoch": 0}
    curves = recipe.curves and recipe.curves / trainer.name.replace(" ", "-")
    point = recipe.checkpoint and _stage_checkpoint(recipe.checkpoint, trainer.name)
    task: Task[Any] = trainer.task(key)
    events = train(task, trainer.loop, checkpoint=point, curves=curves, keep=keep)
    for event in events:
        if isinstance(event, Epoch):
            noted["epochs"].append(epoch_facts(event))
            noted["best_epoch"] = event.number if event.best else noted["best_epoch"]
        yield event


def _stage_checkpoint(checkpoint: Path, part: str) -> Path:
    """The checkpoint of one stage, so that a finished one is not trained again with a later one."""
    return checkpoint.with_stem(f"{checkpoint.stem}-{part.replace(' ', '-')}")


def _checkpoints(recipe: AlignRecipe) -> list[Path]:
    """The checkpoints of all stages."""
    parts = [ImageTailStage.name, HeadsStage.name]
    parts += map(more_heads_name, range(1, recipe.settings.more + 1))
    parts.append(ShortTextsStage.name)
    return (
        [_stage_checkpoint(recipe.checkpoint, part) for part in parts] if recipe.checkpoint else []
    )


def _read(
    recipe: AlignRecipe, towers: Towers, cache: Path
) -> Generator[Progress, None, tuple[ExtractedFeatures, NDArray[np.bool_]]]:
    """Extract all sources; returns their features and the mask of the pictures to hold out."""
    parts, masks = [], []
    for source in recipe.sources:
        part = ExtractedFeatures()
        yield from extract(source, towers, cache, part, views=recipe.settings.views)
        masks.append(validation_mask(source.folder, part.names, recipe.validation, least=2))
        parts.append(part)
    return together(parts), np.concatenate(masks)


def _source_facts(source: Source) -> dict[str, Any]:
    split = source.split.name if source.split else None
    return {"folder": source.folder.name, "split": split, "weight": source.weight}


def _report(
    recipe: AlignRecipe, towers: Towers, cache: Path, facts: dict[str, Any], start: float
) -> Iterator[Progress]:
    """Add the figures on the `report` split, which no decision of the training depends on."""
    assert recipe.report is not None
    data = ExtractedFeatures()
    yield from extract(replace(recipe.sources[0], split=recipe.report), towers, cache, data)
    assert data.features is not None
    facts["report"] = _figures(recipe.output, data.features, data, cache)
    write_facts(recipe.output, facts, start)


def _figures(
    heads: Path, pictures: Features, data: ExtractedFeatures, cache: Path
) -> dict[str, float]:
    """Text-to-image figures of a heads file, on pictures of a data set, scored as in a search."""
    tail = Tail(Trunk())
    tail.load(heads)
    with torch.no_grad():
        at = np.arange(len(pictures.places))
        read = pictures.read_maps(np.zeros_like(at), at)
        plain = image_features(tail, pictures.views[0], read).numpy()
    texts = data.texts()
    captions = Towers(cache, heads).text_features([texts[k] for k in pictures.all_captions()])
    weights, _ = read_heads(heads)
    queries = centred_query(project_texts(captions, weights), TEXT, means_of(weights))
    return judge_rows(project_images(plain, weights), queries, pictures)[1]


def _fingerprint(data: ExtractedFeatures) -> str:
    """Hash of the names and captions of a data set."""
    pairs = [
        (name.hex(), captions) for name, captions in zip(data.names, data.captions, strict=True)
    ]
    return hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:32]
