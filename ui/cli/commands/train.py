"""`picfuse train`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.datasets.folder import dataset_folder
from indexer.encoders.mini.heads import BUILT_IN
from indexer.errors import InputError
from indexer.fusion import LEARNED
from indexer.kinds.extras import TRAIN_EXTRA, extra_module
from indexer.locations import cache_directory
from indexer.settings import DEFAULT_ENCODER
from indexer.training.mini.sources import Source
from ui.cli.commands.train_tags import tags
from ui.cli.commands.train_towers import towers
from ui.cli.group import offline_option
from ui.cli.options.paths import UserText
from ui.cli.options.training import (
    check_output,
    kept_beside,
    loop_of,
    model_option,
    training_options,
    validation_of,
)
from ui.cli.output.training import encoded, follow, say_written

if TYPE_CHECKING:
    from indexer.training.fusion.recipe import FusionRecipe
    from indexer.training.mini.recipe import AlignRecipe

RECALLS = ("r@1", "r@10")


@click.group()
def train() -> None:
    """Train the built-in model, a fusion or tags on your own pictures."""


train.add_command(tags)
train.add_command(towers)


@train.command(
    epilog="Example: picfuse train align ~/flickr8k ~/scenes:0.5 --split train.txt --reserve; "
    "then: picfuse index ~/Pictures --model mini:heads.safetensors --library NEW"
)
@training_options(
    output="heads.safetensors",
    holds="heads",
    split="train on",
    validation="0.0833",
    held_out_for="early stopping",
    passes="pictures",
    several=True,
)
@click.option(
    "--reserve",
    is_flag=True,
    help="Leave out the eighth of each further DATASET that benchmarks measure on.",
)
@click.option(
    "--tail",
    type=UserText(),
    metavar="mini|FILE",
    help="Reuse the image tail of these heads instead of training one; takes half the time.",
)
@click.option(
    "--more-heads",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Number of additional heads to train at the end; together they find more.",
)
def align(
    datasets: tuple[tuple[Path, float], ...],
    output: Path,
    reserve: bool,
    tail: str | None,
    more_heads: int,
    split: Path | None,
    validation: str,
    report: Path | None,
    captions: tuple[Path, ...],
    epochs: int | None,
    seed: int,
) -> None:
    """Train tails and heads of the built-in model on the captioned pictures of DATASETS.

    Each is a folder, or FOLDER:WEIGHT with the share of the passes in which each of its pictures is
    seen. --split, --report, --captions and a list for --validation belong to the first one.

    The features of four views of each picture are computed once and cached. A copy of the last
    blocks of the image tower then learns to match pictures with captions. With its result, both
    heads and a copy of the last layers of the text tower are trained. Additional heads follow on
    both tails and are merged with the first. Finally, the text head learns short texts. To resume
    an interrupted training, run the same command again. TensorBoard reads the curves from the
    folder OUTPUT.curves.
    """
    check_output(output)
    held_out = validation_of(validation)
    if len(datasets) > 1 and isinstance(held_out, Path):
        raise InputError(f"--validation {held_out}: with several data sets, name a share")
    (first, weight), *others = datasets
    further = (Source(folder, weight=share, reserve=reserve) for folder, share in others)
    recipes = extra_module("indexer.training.mini.recipe", TRAIN_EXTRA, "training")
    recipe: AlignRecipe = recipes.AlignRecipe(
        [Source(first, split, captions, weight), *further],
        output,
        held_out,
        report,
        _heads_of(tail) if tail else None,
        **kept_beside(output),
    )
    settings = replace(
        recipe.settings,
        more=more_heads,
        loop=loop_of(recipe.settings.loop, seed, epochs),
        tail_loop=loop_of(recipe.settings.tail_loop, seed, epochs),
        short_loop=loop_of(recipe.settings.short_loop, seed, epochs),
    )
    recipe = replace(recipe, settings=settings)
    follow(recipes.align(recipe, cache_directory()), "reading and training", RECALLS)
    say_written(output)
    _compare(json.loads(output.with_suffix(".json").read_text()))


def _heads_of(tail: str) -> Path:
    """The heads file of the option `--tail`: the built-in one, or a user's own."""
    heads = BUILT_IN if tail == DEFAULT_ENCODER else Path(tail)
    if not heads.is_file():
        raise InputError(
            f"--tail {tail}: no such heads file; use 'mini' for that of the built-in model"
        )
    return heads


@train.command(
    epilog="Example: picfuse train fusion ~/flickr8k --split train.txt --output mine.safetensors; "
    "then: picfuse index --fusion gated:mine.safetensors"
)
@click.option(
    "--fusion",
    "strategy",
    type=click.Choice(list(LEARNED)),
    default="gated",
    show_default=True,
    help="Fusion strategy to train.",
)
@model_option
@training_options(
    output="fusion.safetensors",
    holds="fusion",
    split="train on",
    validation="0.0833",
    held_out_for="early stopping",
    passes="captions",
)
@offline_option
def fusion(
    dataset: Path,
    strategy: str,
    model: str,
    output: Path,
    split: Path | None,
    validation: str,
    report: Path | None,
    captions: tuple[Path, ...],
    epochs: int | None,
    seed: int,
    offline: bool,
) -> None:
    """Train a fusion of picture and caption on the captioned pictures of DATASET.

    Pictures need at least two captions: one is indexed, another is the query. They are encoded once
    and cached. To resume an interrupted training, run the same command again. TensorBoard reads the
    curves from the folder OUTPUT.curves.
    """
    folder = dataset_folder(dataset)
    check_output(output)
    recipes = extra_module("indexer.training.fusion.recipe", TRAIN_EXTRA, "training")
    recipe: FusionRecipe = recipes.FusionRecipe(
        folder,
        output,
        validation_of(validation),
        **kept_beside(output),
    )
    loop = loop_of(recipe.settings.loop, seed, epochs)
    recipe = replace(recipe, settings=replace(recipe.settings, strategy=strategy, loop=loop))
    with encoded(folder, split, captions, model, offline=offline) as library:
        follow(recipes.train_fusion(library, recipe), "training", RECALLS)
    if report:
        with encoded(folder, report, captions, model, offline=offline) as library:
            recipes.report_fusion(library, output)
    say_written(output)
    _print_gains(json.loads(output.with_suffix(".json").read_text()))


def _print_gains(facts: dict[str, Any]) -> None:
    """Print the gain of the fusion over `mean` on the validation and report pictures."""
    pairs = [("validation", facts["mean"], facts["validation"], facts["gain"])]
    if "report" in facts:
        pairs.append(("report", *(facts["report"][name] for name in ("mean", "fused", "gain"))))
    for name, mean, fused, gain in pairs:
        low, high = gain["ci95"]["r@1"]
        click.echo(
            f"{name}: r@1 {fused['r@1']:.1f}, mean {mean['r@1']:.1f}; gain {gain['r@1']:+.1f} "
            f"({low:+.1f} to {high:+.1f} with 95 % confidence)"
        )


def _compare(facts: dict[str, Any]) -> None:
    """Tell the user if the built-in heads do better on the same validation pictures."""
    mine, built_in = (facts[name]["r@10"] for name in ("validation", "built_in"))
    if built_in > mine:
        click.echo(
            f"picfuse: on the same {facts['pictures']['validation']} validation pictures, the "
            f"built-in heads reach r@10 {built_in:.1f}, these {mine:.1f}; more captioned pictures "
            "would help (the built-in heads were trained on 5,500)",
            err=True,
        )
