"""`picfuse evaluate`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from indexer import IndexOptions, IndexReport, Library
from indexer.errors import DatasetError
from indexer.fusion import STRATEGIES, fusions_for, open_fusion
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION
from indexer.training.datasets import (
    ClassText,
    Labels,
    dataset_folder,
    find_labels,
    plain_sentence,
    read_classes,
    read_split,
)
from search.evaluate import (
    evaluate_captions,
    evaluate_classes,
    evaluate_without_captions,
    evaluation_library,
    labelled_embeddings,
    read_embeddings,
)
from ui.cli.group import json_option, offline_option
from ui.cli.progress import index_with_bar
from ui.cli.text import print_json, shown

FIGURES = ("r@1", "r@5", "r@10", "median_rank", "mrr", "queries")


@click.command(epilog="Example: picfuse evaluate ~/flickr8k --split dev.txt --fusion all")
@click.argument("dataset", type=click.Path(path_type=Path))
@click.option(
    "--split", type=click.Path(path_type=Path), help="List of picture names to restrict it to."
)
@click.option(
    "--captions", multiple=True, type=click.Path(path_type=Path), help="A caption file elsewhere."
)
@click.option("--model", default=DEFAULT_ENCODER, show_default=True, help="The encoder.")
@click.option(
    "--fusion",
    metavar="NAME|all",
    default="all",
    show_default=True,
    help=f"Which fusion of picture and caption: {', '.join(STRATEGIES)}, or gated:FILE, "
    "product:FILE.",
)
@click.option(
    "--without-captions",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Take the captions of this share of the pictures away.",
)
@click.option("--classes", help="Classes of a labelled data set: imagenet-1k or a file.")
@click.option(
    "--class-text", type=click.Choice(["name", "definition"]), default="name", show_default=True
)
@offline_option
@json_option
def evaluate(
    dataset: Path,
    split: Path | None,
    captions: tuple[Path, ...],
    model: str,
    fusion: str,
    without_captions: float | None,
    classes: str | None,
    class_text: str,
    offline: bool,
    as_json: bool,
) -> None:
    """Measure how well captions find their pictures in DATASET.

    DATASET is a folder of captioned pictures, or of pictures with a table of class labels (a
    header with 'file' and 'label'). "picture" ranks by the picture alone; "caption" and "fused"
    index the first caption of each picture and ask with the others.
    """
    folder = dataset_folder(dataset)
    only = read_split(folder, split) if split else None
    labels = find_labels(folder)
    options = IndexOptions(captions, only=only)
    with evaluation_library(folder, only, encoder=model, offline=offline) as library:
        index_with_bar(library, [folder], options, report := IndexReport())
        _say_failures(report)
        if labels is not None and (classes or not library.catalogue.counts()["captions"]):
            result = _classes(library, labels, classes, definitions=class_text == "definition")
        else:
            result = _captions(library, fusion, without_captions)
    if as_json:
        print_json(result)
    else:
        _print(result)


def _say_failures(report: IndexReport) -> None:
    for failure in report.failed:
        click.echo(f"failed: {shown(str(failure.path))}: {shown(failure.reason)}", err=True)


def _captions(library: Library, fusion: str, without: float | None) -> dict[str, Any]:
    names = fusions_for(library.encoder) if fusion == "all" else [fusion]
    for name in names:
        open_fusion(name, encoder=library.encoder)
    data = read_embeddings(library)
    result = evaluate_captions(data, names)
    if without is not None:
        chosen = DEFAULT_FUSION if fusion == "all" else fusion
        result["without_captions"] = evaluate_without_captions(data, without, chosen)
    return result


def _classes(
    library: Library, labels: Labels, classes: str | None, *, definitions: bool
) -> dict[str, Any]:
    candidates = _candidates(labels, classes, definitions=definitions)
    v_i, names = labelled_embeddings(library, labels)
    return evaluate_classes(v_i, names, candidates, library.encoder)


def _candidates(labels: Labels, classes: str | None, *, definitions: bool) -> list[ClassText]:
    if classes == "imagenet-1k":
        imagenet = import_module("indexer.training.imagenet")  # it brings torch
        found: list[ClassText] = imagenet.imagenet_classes(definitions=definitions)
        return found
    if classes is not None:
        return read_classes(Path(classes), definitions=definitions)
    if definitions:
        raise DatasetError(
            f"{labels.table}: has no definitions; name classes that have them with --classes"
        )
    return [(label, plain_sentence(label)) for label in sorted({name for _, name in labels.labels})]


def _print(result: dict[str, Any]) -> None:
    if "top1" in result:
        click.echo(
            f"{result['pictures']} pictures, {result['classes']} classes: "
            f"top-1 {result['top1']:.1f} %, top-5 {result['top5']:.1f} %"
        )
        return
    table = Table("protocol", "", *FIGURES, title=f"{result['pictures']} pictures")
    protocols = result["protocols"]
    rows = [("picture alone", protocols["picture"])]
    rows += [("caption alone", protocols["caption"])] if "caption" in protocols else []
    rows += [(f"fused: {name}", m) for name, m in protocols.get("fused", {}).items()]
    for name, directions in rows:
        for direction, m in directions.items():
            table.add_row(name, direction.replace("_", " "), *(f"{m[f]:g}" for f in FIGURES))
    lost = result.get("without_captions", {})
    for part in ("lost", "lost_reference", "kept", "kept_reference"):
        if lost:
            m = lost[part]
            table.add_row(
                "without captions", part.replace("_", " "), *(f"{m[f]:g}" for f in FIGURES)
            )
    Console(width=120).print(table)
    if lost:
        click.echo(
            f"R@10 without their caption: {lost['lost_ratio']} of its value with captions off for "
            f"all; of the others: {lost['kept_ratio']} of its value with all captioned"
        )
