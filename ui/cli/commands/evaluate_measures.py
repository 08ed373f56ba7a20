"""Measurements of `picfuse evaluate`, with progress bars, and the curves behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.datasets.folder import ClassText, Labels, plain_sentence, read_classes
from indexer.errors import DatasetError
from indexer.kinds.extras import TRAIN_EXTRA, extra_module
from indexer.metrics.recall import RetrievalRanks
from indexer.settings import DEFAULT_FUSION
from search.evaluation.advice import Advice, advise
from search.evaluation.classes import evaluate_classes
from search.evaluation.data import labelled_embeddings, read_embeddings
from search.evaluation.fusions import FusionComparison
from search.evaluation.lost_captions import evaluate_without_captions
from search.evaluation.protocols import Evaluation, evaluate_captions
from ui.cli.output.progress import with_bar
from ui.cli.output.text import terminal_safe


@dataclass(frozen=True, slots=True)
class EvaluationOptions:
    """Options of an evaluation."""

    fusions: tuple[str, ...]
    without_captions: float | None
    classes: str | None
    definitions: bool
    ci: bool
    advice: bool


@dataclass(frozen=True, slots=True)
class Measurement:
    """The JSON result; the ranks behind it, by the name of their curve; and the advice.

    `advice` is None if it is not wanted or cannot be given.
    """

    result: dict[str, Any]
    curves: Mapping[str, RetrievalRanks]
    advice: Advice | None = None


def measure_captions(
    library: Library, compared: FusionComparison, wanted: EvaluationOptions
) -> Measurement:
    """Measure a captioned data set by all protocols, and whatever else the options ask for.

    Prints which fusions are left out, and why.
    """
    data, fusions = read_embeddings(library), compared.fusions
    for name, why in compared.left_out.items():
        click.echo(f"picfuse: leaving out {terminal_safe(name)}: {terminal_safe(why)}", err=True)
    evaluation = with_bar(evaluate_captions(data, fusions), "searching", "queries")
    result, advice = evaluation.fields(ci=wanted.ci), None
    if wanted.without_captions is not None:
        name = DEFAULT_FUSION if DEFAULT_FUSION in fusions else next(iter(fusions))
        steps = evaluate_without_captions(data, wanted.without_captions, name, fusions[name])
        result["without_captions"] = with_bar(steps, "removing captions", "queries")
    if wanted.advice:
        advice = with_bar(advise(data, fusions), "trying weights", "queries")
        result["advice"] = None if advice is None else advice.fields()
    return Measurement(result, curves_of(evaluation), advice)


def curves_of(evaluation: Evaluation) -> dict[str, RetrievalRanks]:
    """The curves of an evaluation, by the names shown to people."""
    curves = {
        "picture alone": evaluation.picture,
        "picture alone, image to text": evaluation.image_to_text,
    }
    if evaluation.caption is not None:
        curves["caption alone"] = evaluation.caption
    return curves | {f"fused: {name}": found for name, found in evaluation.fused.items()}


def measure_classes(library: Library, labels: Labels, wanted: EvaluationOptions) -> Measurement:
    """Measure how often the right class name ranks first, or among the first five."""
    candidates = _candidates(labels, wanted)
    v_i, names = labelled_embeddings(library, labels)
    evaluation = evaluate_classes(v_i, names, candidates, library.encoder)
    return Measurement(evaluation.fields(ci=wanted.ci), {"picture to class name": evaluation.found})


def _candidates(labels: Labels, wanted: EvaluationOptions) -> list[ClassText]:
    if wanted.classes == "imagenet-1k":
        module = "indexer.training.mini.imagenet"
        imagenet = extra_module(module, TRAIN_EXTRA, "a list of ImageNet's classes")
        found: list[ClassText] = imagenet.imagenet_classes(definitions=wanted.definitions)
        return found
    if wanted.classes is not None:
        return read_classes(Path(wanted.classes), definitions=wanted.definitions)
    if wanted.definitions:
        raise DatasetError(
            f"{labels.table}: has no definitions; give a list of classes with them by --classes"
        )
    return [(label, plain_sentence(label)) for label in sorted({name for _, name in labels.labels})]
