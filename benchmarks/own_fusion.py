"""Benefit of a fusion trained on one's own captioned folder, against `mean`.

    python benchmarks/own_fusion.py IMAGENET_SAMPLES

The folder is very different from Flickr8k: one photograph of each class, captioned with the
definition of the class, its first and its last name. In each repetition, a new draw of two thirds
of the photographs is for training; figures are those of the rest, where each caption is indexed in
turn and the others are queries.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
from timm.data import ImageNetInfo

from indexer.training.mini.imagenet import imagenet_wordings

STRATEGIES = ("product", "gated")
SHARE = 2 / 3


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("samples", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
def main(samples: Path, repeat: int) -> None:
    """Train both learned strategies on photographs of SAMPLES, captioned by their classes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "classes"
        names = _data_set(samples, folder)
        for seed in range(repeat):
            random.Random(seed).shuffle(names)
            count = round(SHARE * len(names))
            (folder / "train.txt").write_text("\n".join(names[:count]))
            (folder / "rest.txt").write_text("\n".join(names[count:]))
            click.echo(f"\ndrawing {seed + 1}: {count} to train on, {len(names) - count} others")
            shipped = _evaluated(folder, "all")
            for strategy in STRATEGIES:
                _compare(folder, strategy, shipped)


def _data_set(samples: Path, folder: Path) -> list[str]:
    """Make a captioned folder of labelled photographs; returns the names of its pictures."""
    (folder / "images").mkdir(parents=True)
    described, *names, _ = imagenet_wordings()
    definitions = [text.split(": ", 1)[-1] for text in described]
    captions = [list(dict.fromkeys(texts)) for texts in zip(definitions, *names, strict=True)]
    rows = labelled(samples)
    with (folder / "captions.csv").open("w", encoding="utf-8", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["file", "caption"])
        for file, place in rows.items():
            (folder / "images" / file).symlink_to((samples / "images" / file).resolve())
            writer.writerows([f"images/{file}", caption] for caption in captions[place])
    return [f"images/{file}" for file in rows]


def labelled(samples: Path) -> dict[str, int]:
    """The labelled photographs of a folder, and the number of the class of each."""
    numbers = {synset: n for n, synset in enumerate(ImageNetInfo("imagenet-1k").label_names())}
    with (samples / "labels.tsv").open(encoding="utf-8", newline="") as table:
        rows = csv.DictReader(table, delimiter="\t")
        return {row["file"]: numbers[row["synset"]] for row in rows}


def _compare(folder: Path, strategy: str, shipped: dict[str, Any]) -> None:
    """Train a strategy; prints its figures, those of the shipped one, and those of `mean`."""
    made = folder.parent / f"{strategy}.safetensors"
    _picfuse("train", "fusion", folder, "--fusion", strategy, "--split", "train.txt",
             "--report", "rest.txt", "--output", made)  # fmt: skip
    own = _evaluated(folder, f"{strategy}:{made}")
    report = json.loads(made.with_suffix(".json").read_text())["report"]
    learned, mean, gain = (report[name]["r@1"] for name in ("fused", "mean", "gain"))
    low, high = report["gain"]["ci95"]["r@1"]
    click.echo(
        f"{strategy:8} R@1, the definition indexed: trained here {_recall(own):.1f}, "
        f"as shipped {_recall(shipped, strategy):.1f}, mean {_recall(shipped, 'mean'):.1f}\n"
        f"{'':8} each caption in its turn: trained here {learned:.1f}, mean {mean:.1f}; "
        f"gain {gain:+.1f} ({low:+.1f} to {high:+.1f})"
    )


def _evaluated(folder: Path, fusion: str) -> dict[str, Any]:
    """The figures of `picfuse evaluate` on photographs that nothing was trained on."""
    output = _picfuse("evaluate", folder, "--split", "rest.txt", "--fusion", fusion, "--json")
    found: dict[str, Any] = json.loads(output)["protocols"]["fused"]
    return found


def _recall(found: dict[str, Any], strategy: str = "") -> float:
    """R@1 of a strategy, or of the only one."""
    (figures,) = [f for name, f in found.items() if name.startswith(strategy)]
    return float(figures["text_to_image"]["r@1"])


def _picfuse(*words: object) -> str:
    command = [sys.executable, "-P", "-m", "ui", *map(str, words)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
