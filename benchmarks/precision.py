"""Cost of int8 for the quality of the built-in model: `picfuse evaluate` in both precisions.

With --write, `--precision auto` chooses by these figures; they hold for the heads that picfuse
ships at the time. Example: python benchmarks/precision.py flickr8k --split dev.txt
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from indexer.encoders.mini.encoder import INT8_COST, INT8_MOST_LOSS
from indexer.encoders.mini.heads import BUILT_IN
from indexer.files import file_hash, whole_file

SHOWN = ("r@1", "r@5", "r@10")


def evaluated(dataset: Path, split: str | None, precision: str) -> dict[str, Any]:
    """The figures of text to image, from the picture alone."""
    words = ["evaluate", str(dataset), "--precision", precision, "--fusion", "mean", "--json"]
    words += ["--split", split] if split else []
    run = subprocess.run(
        [sys.executable, "-m", "ui", *words], stdout=subprocess.PIPE, text=True, check=True
    )
    figures: dict[str, Any] = json.loads(run.stdout)["protocols"]["picture"]["text_to_image"]
    return figures


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("dataset", type=click.Path(path_type=Path, exists=True))
@click.option("--split", help="List of picture names to restrict it to.")
@click.option("--write", is_flag=True, help="Let 'auto' choose by these figures.")
def main(dataset: Path, split: str | None, write: bool) -> None:
    """Compare the figures of DATASET in fp32 and in int8."""
    found = {name: evaluated(dataset, split, name) for name in ("fp32", "int8")}
    for name, figures in found.items():
        click.echo(f"{name}: " + ", ".join(f"{key} {figures[key]:.2f}" for key in SHOWN))
    loss = found["fp32"]["r@1"] - found["int8"]["r@1"]
    click.echo(f"int8 costs {loss:.2f} points of R@1; at most {INT8_MOST_LOSS} for 'auto'")
    if write:
        facts = {"heads": file_hash(BUILT_IN), "dataset": f"{dataset.name} {split or ''}".strip()}
        with whole_file(INT8_COST) as unfinished:
            unfinished.write_text(json.dumps(facts | found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
