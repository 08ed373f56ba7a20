"""Quality of the built-in model for hypernyms ("vehicle"), with and without its table of names.

    python benchmarks/kinds.py IMAGENET_SAMPLES

Each hypernym of classes with 2 to 150 of the photographs should find them: by its first name, by
its second, by words that the model's table of names does not have, and by its definition. Prints
the mean average precision among all photographs, from the picture alone: as shipped, and with only
the names of the 1,000 classes in the table.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from own_fusion import labelled

from indexer import Library, index_folder
from indexer.embedding import TEXT, Rows, centred_query
from indexer.encoders.mini.heads import BUILT_IN, CLASSES, read_heads
from indexer.encoders.mini.projection import means_of, project_texts
from indexer.encoders.mini.towers import Towers
from indexer.locations import cache_directory
from indexer.training.mini.imagenet import Kind, imagenet_kinds

MIN_PHOTOGRAPHS, MAX_PHOTOGRAPHS = 2, 150  # of a kind
NAME_TABLE = ("class.names", "class.named")
Places = NDArray[np.intp]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("samples", type=click.Path(exists=True, file_okay=False, path_type=Path))
def main(samples: Path) -> None:
    """Search for the kinds of the labelled photographs of SAMPLES."""
    rows, classes = _photographs(samples)
    kinds = {kind: np.flatnonzero(np.isin(classes, kind.classes)) for kind in imagenet_kinds()}
    kinds = {
        kind: right
        for kind, right in kinds.items()
        if MIN_PHOTOGRAPHS <= len(right) <= MAX_PHOTOGRAPHS
    }
    weights, _ = read_heads(BUILT_IN)
    without = weights | {name: weights[name][:CLASSES] for name in NAME_TABLE}
    towers = Towers(cache_directory())
    click.echo(f"{len(kinds)} kinds, {len(rows)} photographs: mean average precision")
    click.echo(f"{'query':28} {'kinds':>5} {'shipped':>8} {'without kinds':>14}")
    for wording, texts in _wordings(list(kinds)).items():
        features = towers.text_features(list(texts.values()))
        right = [kinds[kind] for kind in texts]
        known, unknown = (_precision(features, rows, right, each) for each in (weights, without))
        click.echo(f"{wording:28} {len(texts):5} {100 * known:8.1f} {100 * unknown:14.1f}")


def _photographs(samples: Path) -> tuple[Rows, Places]:
    """Rows of all labelled photographs, and the number of the class of each."""
    classes = labelled(samples)
    with (
        tempfile.TemporaryDirectory() as place,
        Library.create(Path(place) / "library") as library,
    ):
        index_folder(library, samples / "images")
        found = library.catalogue.pictures(library.catalogue.present_ids())
        keys = sorted(key for key, picture in found.items() if picture.path.name in classes)
        rows: Rows = library.embedded(keys).v_i
    return rows, np.array([classes[found[key].path.name] for key in keys])


def _wordings(kinds: Sequence[Kind]) -> dict[str, dict[Kind, str]]:
    """The wordings of queries, each with the kinds that have one and their texts."""
    first = {kind: kind.texts[0] for kind in kinds}
    return {
        "its first name": first,
        "its second name": {kind: kind.texts[1] for kind in kinds if len(kind.texts) > 2},
        '"a picture of a ..."': {k: f"a picture of a {name}" for k, name in first.items()},
        '"a ... seen from near"': {k: f"a {name} seen from near" for k, name in first.items()},
        "its definition": {kind: kind.texts[-1] for kind in kinds if len(kind.texts) > 1},
    }


def _precision(
    features: NDArray[np.float32],
    rows: Rows,
    right: Sequence[Places],
    weights: Mapping[str, NDArray[np.float32]],
) -> float:
    """Mean average precision of text features (n, 768) among rows of pictures."""
    return average_precision(query_rows(features, weights) @ rows.T, right)


def query_rows(features: NDArray[np.float32], weights: Mapping[str, NDArray[np.float32]]) -> Rows:
    """Query rows of text features (n, 768), by the weights of heads."""
    return centred_query(project_texts(features, weights), TEXT, means_of(weights))


def average_precision(scores: NDArray[np.float32], right: Sequence[Places]) -> float:
    """Mean average precision of queries: scores (q, n), and the right pictures of each."""
    precisions = []
    for row, members in zip(scores, right, strict=True):
        ranks = np.sort(np.argsort(np.argsort(-row))[members])
        precisions.append(np.mean(np.arange(1, len(ranks) + 1) / (ranks + 1)))
    return float(np.mean(precisions))


if __name__ == "__main__":
    main()
