"""How well `picfuse audit` finds captions that belong to another picture.

    python benchmarks/audit.py --data FOLDER

Takes Flickr8k's dev split, swaps all captions of 5 % of the pictures among them, and looks how
many of the worst 5 % are swapped ones: the figure to reach is 60 %. The pictures are drawn anew
for every repetition.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from indexer import IndexOptions, index_folder
from indexer.datasets.folder import read_split
from indexer.datasets.library import dataset_library
from indexer.embedding import IMAGE, TEXT, unit_rows, without_hub
from indexer.settings import DEFAULT_ENCODER
from search.audit import agreement
from search.evaluation.data import EvaluationData, read_embeddings

SHARE = 0.05


def main() -> None:
    """Print the precision over many drawings, with all captions of a picture and with one."""
    parser = argparse.ArgumentParser(description=__doc__)
    data = os.environ.get("PICFUSE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(data))
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--repeat", type=int, default=100)
    options = parser.parse_args()
    folder = options.data / "flickr8k"
    if not folder.is_dir():
        sys.exit(f"no photographs at {folder}: name the folder around it in PICFUSE_TEST_DATA")
    only = read_split(folder, Path("dev.txt"))
    with dataset_library(folder, only, encoder=options.model) as library:
        index_folder(library, folder, options=IndexOptions((), only=only))
        found = read_embeddings(library)
    for name, texts in (("all captions", _mean_captions(found)), ("one caption", _first(found))):
        precision = [_precision(_images(found), texts, seed) for seed in range(options.repeat)]
        low, middle, high = np.percentile(precision, [0, 50, 100])
        print(f"{name:12}  precision {middle:.0%} ({low:.0%} to {high:.0%}) of {options.repeat}")


def _images(found: EvaluationData) -> np.ndarray:
    return _centred(found.v_i, IMAGE, found)


def _mean_captions(found: EvaluationData) -> np.ndarray:
    sums = np.zeros_like(found.v_i)
    np.add.at(sums, found.owners, found.v_t)
    return _centred(unit_rows(sums), TEXT, found)


def _first(found: EvaluationData) -> np.ndarray:
    return _centred(found.v_t[found.first], TEXT, found)


def _centred(rows: np.ndarray, modality: str, found: EvaluationData) -> np.ndarray:
    centred = rows - found.means.get(modality, np.float32(0))
    return unit_rows(without_hub(centred, found.means))


def _precision(images: np.ndarray, texts: np.ndarray, seed: int) -> float:
    """The share of swapped captions among as many that fit worst."""
    count = round(SHARE * len(images))
    swapped = np.random.default_rng(seed).choice(len(images), count, replace=False)
    order = np.arange(len(images))
    order[swapped] = np.roll(swapped, 1)
    worst = np.argsort(agreement(images, texts[order]))[:count]
    return float(np.isin(worst, swapped).mean())


if __name__ == "__main__":
    main()
