"""`picfuse train tags`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.datasets.folder import dataset_folder
from indexer.kinds.extras import TRAIN_EXTRA, extra_module
from indexer.tag_head import BOTH, INPUTS
from ui.cli.group import json_option, offline_option
from ui.cli.options.paths import UserPath
from ui.cli.options.training import (
    check_output,
    loop_of,
    model_option,
    training_options,
    validation_of,
)
from ui.cli.output.text import print_json, terminal_safe
from ui.cli.output.training import encoded, follow, say_written

if TYPE_CHECKING:
    from indexer.training.tags.recipe import TagRecipe

_FIGURES = {"macro_ap": "macro AP", "macro_f1": "macro F1", "accuracy": "accuracy", "ece": "ECE"}


@click.command(
    epilog="Example: picfuse train tags ~/holidays --labels labels.csv --output moods.safetensors; "
    "then: picfuse index --tags moods.safetensors; picfuse search on the beach --tag joyful"
)
@click.option(
    "--labels",
    type=UserPath(),
    help="Table with the columns 'file' and 'label'. A picture may have several labels: one per "
    "row, or separated by ';' in a cell.  [default: the one in DATASET]",
)
@model_option
@training_options(
    output="tags.safetensors",
    holds="tag head",
    split="use",
    validation="0.25",
    held_out_for="early stopping and calibration",
    passes="pictures",
)
@click.option(
    "--input",
    "given",
    type=click.Choice(list(INPUTS)),
    default=BOTH,
    show_default=True,
    help="Embeddings that the head reads.",
)
@click.option(
    "--exclusive/--several",
    default=None,
    help="Whether a picture has exactly one tag, or any number.  [default: as in the labels]",
)
@click.option(
    "--threshold",
    type=click.Choice(["half", "f1"]),
    default="half",
    show_default=True,
    help="Lowest probability for a tag: one half, or the one with the best F1.",
)
@offline_option
@json_option
def tags(
    dataset: Path,
    output: Path,
    split: Path | None,
    captions: tuple[Path, ...],
    model: str,
    validation: str,
    epochs: int | None,
    seed: int,
    offline: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Train a head that predicts tags, on the labelled pictures of DATASET.

    The head reads the embeddings that a library stores: those of the picture and of its captions,
    if it has any.
    """
    folder = dataset_folder(dataset)
    check_output(output)
    recipes = extra_module("indexer.training.tags.recipe", TRAIN_EXTRA, "training")
    recipe: TagRecipe = recipes.TagRecipe(
        folder, output, validation=validation_of(validation), **_recipe_options(options)
    )
    loop = loop_of(recipe.settings.loop, seed, epochs)
    recipe = replace(recipe, settings=replace(recipe.settings, loop=loop))
    with encoded(folder, split, captions, model, offline=offline) as library:
        follow(recipes.train_tags(recipe, library), "training", ["loss"], quiet=as_json)
    said = json.loads(output.with_suffix(".json").read_text())
    if as_json:
        print_json(said)
    else:
        _print(said, output)


def _recipe_options(options: dict[str, Any]) -> dict[str, Any]:
    return {("input" if name == "given" else name): value for name, value in options.items()}


def _print(said: dict[str, Any], output: Path) -> None:
    if said["rare"]:
        click.echo(
            f"picfuse: too rare to learn: {terminal_safe(', '.join(said['rare']))}", err=True
        )
    for name, one in said["tags"].items():
        figures = f"AP {one['ap']:5.1f}  F1 {one['f1']:5.1f}  threshold {one['threshold']:.2f}"
        click.echo(f"{terminal_safe(name):24} {one['pictures']:5} pictures  {figures}")
    _print_figures("calibration half of the validation set", said["validation"])
    if said["report"]:
        _print_figures("report set", said["report"])
    say_written(output)


def _print_figures(what: str, said: dict[str, Any]) -> None:
    parts = [
        f"{label} {said[name]:.1f} ({said['ci95'][name][0]:.1f} to {said['ci95'][name][1]:.1f})"
        for name, label in _FIGURES.items()
    ]
    click.echo(f"{said['pictures']} pictures, {what}: {', '.join(parts)}")
