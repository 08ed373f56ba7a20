"""Comparison of picfuse with rclip and with the documented image search of sentence-transformers.

All encode the same pictures with the same open_clip model, whose weights are random numbers. The
contestants run in turn; the result is the median of the ratios within each round. Both peers are
installed from PyPI into environments of their own, which are kept for the next time.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import click
from contest.comparisons import (
    WARM_UP,
    Contest,
    compare_cold,
    compare_indexing,
    compare_updates,
    compare_warm,
    fill_libraries,
)
from contest.contestants import HERE, Contestant, Picfuse, Rclip, SentenceTransformers
from contest.environments import RCLIP, SENTENCE_TRANSFORMERS, python_of
from contest.pictures import enlarge_photographs, link_photographs
from contest.report import Figure
from fixtures.data import DATA, VARIABLE
from platformdirs import user_cache_path

PEERS = (RCLIP.name, SENTENCE_TRANSFORMERS.name)
INDEXING = {"small": (link_photographs, 1.05), "large": (enlarge_photographs, 1.7)}
SEARCHING = {"update": compare_updates, "cold": compare_cold, "warm": compare_warm}
PARTS = (*INDEXING, *SEARCHING)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--part", "parts", type=click.Choice(PARTS), multiple=True, help="Default: all.")
@click.option("--peer", "peers", type=click.Choice(PEERS), multiple=True, help="Default: both.")
@click.option("--small", type=click.IntRange(WARM_UP), default=1000, show_default=True)
@click.option("--large", type=click.IntRange(WARM_UP), default=200, show_default=True)
@click.option("--many", type=click.IntRange(100), default=100_000, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--data", type=click.Path(path_type=Path), help=f"Default: ${VARIABLE}.")
@click.option(
    "--room",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where environments and weights are kept (8 GB). Default: in your cache directory.",
)
def main(
    parts: Sequence[str],
    peers: Sequence[str],
    small: int,
    large: int,
    many: int,
    rounds: int,
    data: Path | None,
    room: Path | None,
) -> None:
    """Measure indexing and searching of picfuse and its peers, in turn."""
    folder = (room or user_cache_path("picfuse") / "peers").resolve()
    contestants = _contestants(folder, peers or PEERS)
    parts = [part for part in PARTS if part in (parts or PARTS)]
    with tempfile.TemporaryDirectory(dir=folder, prefix="run-") as name:
        contest = Contest(contestants, Path(name), rounds)
        for part, count in (("small", small), ("large", large)):
            if part in parts:
                _index(contest, (data or DATA) / "flickr8k" / "images", part, count)
        _search(contest, [part for part in parts if part in SEARCHING], many)


def _contestants(folder: Path, peers: Sequence[str]) -> list[Contestant]:
    """picfuse and the named peers, with their environments and weights."""
    weights = weights_in(folder)
    contestants: list[Contestant] = [Picfuse(weights)]
    if RCLIP.name in peers:
        contestants.append(Rclip(python_of(RCLIP, folder), weights))
    if SENTENCE_TRANSFORMERS.name in peers:
        python = python_of(SENTENCE_TRANSFORMERS, folder)
        contestants.append(SentenceTransformers(python, weights))
    return contestants


def weights_in(folder: Path) -> Path:
    """The stand-in weights; made again if the program that makes them has changed."""
    program = HERE / "weights.py"
    weights = folder / f"weights-{blake2b(program.read_bytes(), digest_size=4).hexdigest()}"
    if not weights.exists():
        for old in folder.glob("weights-*"):
            shutil.rmtree(old)
        click.echo(f"Making random weights in {weights} (2 GB) …")
        done = subprocess.run([sys.executable, "-P", program, weights], capture_output=True)
        if done.returncode:
            raise click.ClickException(done.stderr[-2000:].decode(errors="replace"))
    return weights


def _index(contest: Contest, photographs: Path, part: str, count: int) -> None:
    """Compare the indexing of `count` photographs, small or large."""
    files = sorted(photographs.glob("*.jpg"))[:count]
    if len(files) < WARM_UP:
        click.echo(f"\nNot measured: {part}; no photographs in {photographs} (--data, {VARIABLE})")
        return
    make, ratio = INDEXING[part]
    make(files, contest.room / part)
    compare_indexing(contest, contest.room / part, Figure(RCLIP.name, ratio, least=True))


def _search(contest: Contest, parts: Sequence[str], count: int) -> None:
    """Compare updates and queries over libraries of `count` pictures."""
    if parts:
        filled = fill_libraries(contest, count)
        for part in parts:
            SEARCHING[part](contest, filled)


if __name__ == "__main__":
    main()
