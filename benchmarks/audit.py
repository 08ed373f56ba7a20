"""Precision of `picfuse audit` in finding captions that belong to another picture.

    python benchmarks/audit.py --data FOLDER

Takes Flickr8k's dev split, swaps all captions among 5 % of the pictures, and prints the share of
swapped ones in the worst 5 %: the figure to reach is 60 %. Each repetition draws new pictures.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from fixtures.data import DATA, VARIABLE, indexed_dataset

from indexer.datasets.folder import read_split
from indexer.embedding import IMAGE, TEXT, unit_rows, without_hub
from indexer.settings import DEFAULT_ENCODER
from search.audit import agreement
from search.evaluation.data import EvaluationData, read_embeddings

SHARE = 0.05


def main() -> None:
    """Print the precision over many draws, with all captions of a picture and with one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--model", default=DEFAULT_ENCODER)
    parser.add_argument("--repeat", type=int, default=100)
    options = parser.parse_args()
    folder = options.data / "flickr8k"
    if not folder.is_dir():
        sys.exit(f"no photographs at {folder}: name the folder around it in {VARIABLE}")
    only = read_split(folder, Path("dev.txt"))
    with indexed_dataset(folder, only, encoder=options.model) as library:
        data = read_embeddings(library)
    for name, texts in (("all captions", _mean_captions(data)), ("one caption", _first(data))):
        precision = [_precision(_images(data), texts, seed) for seed in range(options.repeat)]
        low, middle, high = np.percentile(precision, [0, 50, 100])
        print(f"{name:12}  precision {middle:.0%} ({low:.0%} to {high:.0%}) of {options.repeat}")


def _images(data: EvaluationData) -> np.ndarray:
    return _centred(data.v_i, IMAGE, data)


def _mean_captions(data: EvaluationData) -> np.ndarray:
    sums = np.zeros_like(data.v_i)
    np.add.at(sums, data.owners, data.v_t)
    return _centred(unit_rows(sums), TEXT, data)


def _first(data: EvaluationData) -> np.ndarray:
    return _centred(data.v_t[data.first], TEXT, data)


def _centred(rows: np.ndarray, modality: str, data: EvaluationData) -> np.ndarray:
    centred = rows - data.means.get(modality, np.float32(0))
    return unit_rows(without_hub(centred, data.means))


def _precision(images: np.ndarray, texts: np.ndarray, seed: int) -> float:
    """The share of swapped captions among equally many that fit worst."""
    count = round(SHARE * len(images))
    swapped = np.random.default_rng(seed).choice(len(images), count, replace=False)
    order = np.arange(len(images))
    order[swapped] = np.roll(swapped, 1)
    worst = np.argsort(agreement(images, texts[order]))[:count]
    return float(np.isin(worst, swapped).mean())


if __name__ == "__main__":
    main()
