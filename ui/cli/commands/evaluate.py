"""`picfuse evaluate`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import click

from indexer import IndexOptions, IndexReport, indexing
from indexer.datasets.folder import dataset_folder, find_labels, read_split
from indexer.datasets.library import dataset_library
from indexer.fusion import STRATEGIES
from indexer.kinds.extras import TRAIN_EXTRA, extra_module
from indexer.settings import DEFAULT_ENCODER
from search.evaluation.advice import Advice
from search.evaluation.fusions import ALL, named_fusions
from ui.cli.commands.evaluate_measures import (
    EvaluationOptions,
    Measurement,
    measure_captions,
    measure_classes,
)
from ui.cli.group import json_option, offline_option
from ui.cli.options.paths import UserPath, UserText
from ui.cli.options.precision import model_in_precision, precision_option
from ui.cli.output.figures import print_advice, print_classes, print_figures
from ui.cli.output.progress import index_with_bar
from ui.cli.output.text import print_json, terminal_safe, valid


@click.command(epilog="Example: picfuse evaluate ~/flickr8k --split dev.txt --plot recall.png")
@click.argument("dataset", type=UserPath())
@click.option(
    "--split",
    type=UserPath(),
    help="File that lists the pictures to use, or 'reserved' for the eighth that "
    "'picfuse train align --reserve' leaves out.",
)
@click.option(
    "--captions",
    multiple=True,
    type=UserPath(),
    help="A caption file outside DATASET. May be repeated.",
)
@click.option(
    "--model", type=UserText(), default=DEFAULT_ENCODER, show_default=True, help="The encoder."
)
@precision_option(ends="[default: fp32]")
@click.option(
    "--fusion",
    "fusions",
    type=UserText(),
    multiple=True,
    metavar="NAME|all",
    default=(ALL,),
    show_default=True,
    help=f"Fusion to measure: {', '.join(STRATEGIES)}, gated:FILE or product:FILE. May be "
    "repeated.",
)
@click.option(
    "--without-captions",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Also measure with the captions of this share of the pictures removed.",
)
@click.option(
    "--classes",
    type=UserText(),
    help="Classes of a labelled data set: imagenet-1k, or a file.",
)
@click.option(
    "--class-text",
    type=click.Choice(["name", "definition"]),
    default="name",
    show_default=True,
    help="Text that is encoded for a class.",
)
@click.option(
    "--ci/--no-ci",
    default=None,
    help="Print 95 % confidence intervals, and the difference of each fusion from 'mean'.  "
    "[default: only without --json]",
)
@click.option(
    "--advice/--no-advice",
    default=None,
    help="Try all weights, and recommend the fusion and weight that suit DATASET best.  "
    "[default: only without --json, for all fusions]",
)
@click.option(
    "--plot",
    type=UserPath(dir_okay=False),
    help="Draw curves of recall@k to this file (.png, .svg or .pdf).",
)
@offline_option
@json_option
def evaluate(
    dataset: Path,
    split: Path | None,
    captions: tuple[Path, ...],
    model: str,
    precision: str | None,
    fusions: tuple[str, ...],
    without_captions: float | None,
    classes: str | None,
    class_text: str,
    ci: bool | None,
    advice: bool | None,
    plot: Path | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Measure how well captions find their pictures in DATASET.

    DATASET is a folder of captioned pictures, or of pictures with a table of class labels (its
    header has 'file' and 'label'). "picture" ranks by the picture alone; "caption" and "fused"
    index the first caption of each picture and use the others as queries.
    """
    plots = _plots(plot)
    for_people, for_all = not as_json, ALL in fusions
    wanted = EvaluationOptions(
        fusions,
        without_captions,
        classes,
        class_text == "definition",
        ci=for_people if ci is None else ci,
        advice=for_people and for_all if advice is None else advice,
    )
    folder = dataset_folder(dataset)
    model = model_in_precision(model, precision) if precision else model
    measured = _measured(folder, split, captions, model, wanted, offline=offline)
    if measured.advice is not None:
        command = _adopting(folder, captions, model, measured.advice)
        measured.result["advice"] |= {"adopt": command}
    if plot is not None and plots is not None:
        plots.draw(plot, measured.curves, bands=wanted.ci)
    if as_json:
        print_json(measured.result)
    else:
        _print(measured, wanted)


def _plots(plot: Path | None) -> ModuleType | None:
    """The plotting module, loaded only if needed; raises `InputError` before the long work."""
    if plot is None:
        return None
    plots = extra_module("ui.cli.output.plots", TRAIN_EXTRA, "a plot")
    plots.check(plot)
    return plots


def _measured(
    folder: Path,
    split: Path | None,
    captions: tuple[Path, ...],
    model: str,
    wanted: EvaluationOptions,
    *,
    offline: bool,
) -> Measurement:
    only = read_split(folder, split) if split else None
    labels = find_labels(folder)
    options = IndexOptions(captions, only=only)
    with dataset_library(folder, only, encoder=model, offline=offline) as library:
        compared = named_fusions(wanted.fusions, library.encoder)
        index_with_bar(run := indexing(library, folder, options=options))
        _say_failures(run.report)
        if labels is not None and (wanted.classes or not library.catalogue.counts()["captions"]):
            return measure_classes(library, labels, wanted)
        return measure_captions(library, compared, wanted)


def _say_failures(report: IndexReport) -> None:
    for failure in report.failed:
        click.echo(
            f"failed: {terminal_safe(str(failure.path))}: {terminal_safe(failure.reason)}", err=True
        )


def _adopting(folder: Path, captions: Sequence[Path], model: str, advice: Advice) -> str:
    """The command that applies the advice to a library."""
    words = ["picfuse", "index", str(folder)]
    for file in captions:
        words += ["--captions", str(file)]
    words += [] if model == DEFAULT_ENCODER else ["--model", model]
    words += ["--fusion", advice.chosen.fusion]
    words += ["--weight", f"{advice.chosen.weight:g}"] if advice.weighable else []
    return valid(shlex.join(words))


def _print(measured: Measurement, wanted: EvaluationOptions) -> None:
    if "top1" in measured.result:
        print_classes(measured.result)
        return
    print_figures(measured.result)
    if wanted.advice:
        print_advice(measured.result, measured.advice)
