"""Growth of the memory of indexing with the number of pictures.

A small and a large library are indexed for the first time and again. The cost of a picture is the
difference in memory, divided by the difference in pictures. The fused rows alone are 4 KB a picture
with the built-in model and `concat`, so they must not all be in memory.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import click
import psutil
from fixtures.tiny_pictures import ENCODER, environment, make_pictures

FIGURE = 4096
# Prints the peak of its own memory, without workers, as the last line on standard error.
PROGRAM = """
import resource, sys
from ui.cli import main
try:
    main(prog_name="picfuse")
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, in bytes


@dataclass(frozen=True, slots=True)
class Peak:
    """Peak memory in bytes: of the process that indexes, and of its largest worker."""

    main: int
    worker: int


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--small", type=click.IntRange(1), default=2_000, show_default=True)
@click.option("--large", type=click.IntRange(1), default=50_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True)
def main(small: int, large: int, repeat: int) -> None:
    """Measure how much more memory indexing takes for many pictures than for few."""
    if large <= small:
        raise click.BadParameter("--large has to be larger than --small")
    click.echo("repetition  pictures      run  main, MB  largest worker, MB")
    costs: dict[str, list[float]] = {"first": [], "again": []}
    for number in range(1, repeat + 1):
        few, many = (_peaks(number, count) for count in (small, large))
        for run, before, after in zip(costs, few, many, strict=True):
            costs[run].append((after.main - before.main) / (large - small))
    click.echo()
    for run, found in costs.items():
        click.echo(
            f"{run}: {statistics.median(found):.0f} bytes a picture "
            f"(min {min(found):.0f}, max {max(found):.0f}); the figure to stay below is {FIGURE}"
        )


def _peaks(number: int, count: int) -> list[Peak]:
    """Peaks of a first indexing of `count` pictures, and of one over them unchanged."""
    with tempfile.TemporaryDirectory() as name:
        room = Path(name)
        make_pictures(room / "pictures", count)
        peaks = []
        for run in ("first", "again"):
            peak = _indexed(room)
            click.echo(
                f"{number:>10}  {count:>8}  {run:>7}  {peak.main / 1e6:>8.1f}"
                f"  {peak.worker / 1e6:>18.1f}"
            )
            peaks.append(peak)
    return peaks


def _indexed(room: Path) -> Peak:
    """The peak of one `picfuse index`."""
    words = ["index", room / "pictures", "--library", room / "library", "--model", ENCODER]
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", PROGRAM, *map(str, words)],
        env=environment(room),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    worker = 0
    while process.poll() is None:
        worker = max(worker, _largest_worker(process.pid))
        time.sleep(0.2)
    said = process.stderr.read() if process.stderr else ""
    if process.returncode:
        raise click.ClickException(said)
    return Peak(int(said.split()[-1]) * UNIT, worker)


def _largest_worker(pid: int) -> int:
    """Resident bytes of the largest process that `pid` has started."""
    largest = 0
    try:
        for child in psutil.Process(pid).children(recursive=True):
            largest = max(largest, child.memory_info().rss)
    except psutil.Error:  # it has just ended
        pass
    return largest


if __name__ == "__main__":
    main()
