"""Cost of indexing when nothing has changed, against the minimum.

The minimum is `os.walk` with `os.stat` of each file, since every file must be checked. Each run of
`picfuse index` over an unchanged library is timed between two such walks and divided by their
mean, after subtracting the start of picfuse: the time of `picfuse status` on an empty library.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
from fixtures.tiny_encoder import OPENED
from fixtures.tiny_pictures import ENCODER, environment, make_pictures, picfuse

FIGURE = 3.0
WALK = """
import os, sys, time
start = time.perf_counter()
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        os.stat(os.path.join(folder, name))
print(time.perf_counter() - start)
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder of pictures, a library of it, an empty library, and how to start picfuse there."""

    pictures: Path
    library: Path
    empty: Path
    opened: Path  # has a line for each process that loaded the encoder
    env: dict[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of one repetition."""

    walk: float
    index: float
    status: float

    @property
    def ratio(self) -> float:
        """The time of indexing again, without the start of picfuse, in walks."""
        return (self.index - self.status) / self.walk


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=5, show_default=True)
@click.option(
    "--captions", type=click.FloatRange(0, 1), default=0.0, help="Share of pictures with a caption."
)
@click.option("--table", is_flag=True, help="Captions in one CSV instead of a file for each.")
@click.option(
    "--room",
    type=click.Path(path_type=Path),
    help="Keep pictures and libraries in this folder, and use existing ones.",
)
def main(pictures: int, repeat: int, captions: float, table: bool, room: Path | None) -> None:
    """Measure indexing of unchanged pictures against a walk over them."""
    with nullcontext(str(room)) if room else tempfile.TemporaryDirectory() as name:
        scene = _scene(Path(name))
        if not scene.library.exists():
            make_pictures(scene.pictures, pictures, round(pictures * captions), table=table)
            _index_first(scene, pictures)
        before = scene.opened.read_text()
        runs = _measure(scene, pictures, repeat)
        if scene.opened.read_text() != before:
            raise click.ClickException("a re-index loaded the encoder")
    _report(runs)


def _scene(room: Path) -> Scene:
    room.mkdir(parents=True, exist_ok=True)
    opened = room / "opened"
    env = environment(room) | {OPENED: str(opened)}
    return Scene(room / "pictures", room / "library", room / "empty", opened, env)


def _index_first(scene: Scene, pictures: int) -> None:
    """Make the library of all pictures, and an empty one."""
    nothing = scene.empty.with_name("nothing")
    nothing.mkdir()
    for folder, library in ((nothing, scene.empty), (scene.pictures, scene.library)):
        words = ("index", folder, "--library", library, "--model", ENCODER)
        report = picfuse(*words, env=scene.env)
    if report["added"] != pictures:
        raise click.ClickException(f"{report['added']} of {pictures} pictures were indexed")
    seconds = report["elapsed_ms"] / 1000
    click.echo(f"{pictures} pictures, indexed for the first time in {seconds:.0f} s\n")


def _measure(scene: Scene, pictures: int, repeat: int) -> list[Run]:
    """Repeat walk, index, status, walk, after one repetition that only warms the caches."""
    _walk(scene), _index(scene, pictures), _status(scene)
    walks, commands = [_walk(scene)], []
    for _ in range(repeat):
        commands.append((_index(scene, pictures), _status(scene)))
        walks.append(_walk(scene))
    return [
        Run(statistics.mean(around), index, status)
        for around, (index, status) in zip(pairwise(walks), commands, strict=True)
    ]


def _walk(scene: Scene) -> float:
    """Seconds of a walk over all files, in a Python process of its own."""
    words = [sys.executable, "-c", WALK, str(scene.pictures)]
    return float(subprocess.run(words, capture_output=True, check=True).stdout)


def _index(scene: Scene, pictures: int) -> float:
    start = time.perf_counter()
    report = picfuse("index", scene.pictures, "--library", scene.library, env=scene.env)
    seconds = time.perf_counter() - start
    others = [report[key] for key in ("added", "changed", "removed", "failed", "problems")]
    if report["unchanged"] != pictures or any(others):
        raise click.ClickException(f"not all of {pictures} pictures were unchanged: {report}")
    return seconds


def _status(scene: Scene) -> float:
    start = time.perf_counter()
    status = picfuse("status", "--library", scene.empty, env=scene.env)
    seconds = time.perf_counter() - start
    if status["pictures"]:
        raise click.ClickException(f"{scene.empty} is not empty")
    return seconds


def _report(runs: Sequence[Run]) -> None:
    """Print seconds of each repetition, and the median of the ratios."""
    click.echo("repetition   walk  index  status  ratio")
    for number, run in enumerate(runs, 1):
        seconds = f"{run.walk:5.2f}  {run.index:5.2f}  {run.status:6.2f}"
        click.echo(f"{number:>10}  {seconds}  {run.ratio:5.2f}")
    ratios = [run.ratio for run in runs]
    click.echo(
        f"\n(index - status) / walk: median {statistics.median(ratios):.2f} "
        f"(min {min(ratios):.2f}, max {max(ratios):.2f}); the figure to stay below is {FIGURE:g}"
    )


if __name__ == "__main__":
    main()
