"""Cost of a first answer: `picfuse search` as a whole process, over many pictures.

The reference is the minimum for a process that encodes a text in ONNX Runtime: a Python that only
imports numpy, ONNX Runtime and the tokenizer. Both run in turn.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from fixtures.many_pictures import QUESTIONS, many_pictures

LIMIT = "import numpy, onnxruntime, tokenizers"
SECONDS, MEGABYTES = 1.0, 350  # a quarter and a third of what rclip takes on such a machine


@dataclass(frozen=True, slots=True)
class Run:
    """A process: seconds, and peak memory in MB, anonymous and of mapped files."""

    seconds: float
    anonymous: float
    mapped: float

    @property
    def memory(self) -> float:
        """Both kinds of memory."""
        return self.anonymous + self.mapped


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=7, show_default=True)
@click.option(
    "--library",
    type=click.Path(exists=True, path_type=Path),
    help="Search this one. Default: made pictures, kept in the user's cache.",
)
def main(pictures: int, repeat: int, library: Path | None) -> None:
    """Measure a cold text query against a Python that only imports what it needs."""
    library = library or many_pictures(pictures)
    bare, asked = [sys.executable, "-P", "-c", LIMIT], _search(QUESTIONS[0], library)
    _timed(bare)
    _check(asked)
    runs = []
    for number in range(repeat):
        words = _search(QUESTIONS[number % len(QUESTIONS)], library)
        limit, query = _timed(bare), _timed(words)
        memory = _watched(words)
        runs.append((limit, Run(query, memory.anonymous, memory.mapped)))
    _report(runs)


def _search(question: str, library: Path) -> list[str]:
    words = [sys.executable, "-P", "-m", "ui", "search", *question.split()]
    return [*words, "--library", str(library), "--json", "--offline"]


def _check(words: Sequence[str]) -> None:
    """Search once, which also fills the caches. Raises `ClickException` without ten hits."""
    answer = json.loads(subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout)
    if len(answer["hits"]) != 10:
        raise click.ClickException(f"{len(answer['hits'])} hits in place of 10")


def _timed(words: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def _watched(words: Sequence[str]) -> Run:
    """Run a process and read its memory every few milliseconds, which slows it down."""
    start, running = time.perf_counter(), subprocess.Popen(words, stdout=subprocess.DEVNULL)
    ended, peak = threading.Event(), [(0.0, 0.0)]

    def watch() -> None:
        while not ended.wait(0.005):
            peak.append(_memory(running.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = running.wait()
    ended.set()
    watcher.join()
    if status:
        raise click.ClickException(f"the query ended with {status}")
    return Run(time.perf_counter() - start, *max(peak, key=sum))


def _memory(process: int) -> tuple[float, float]:
    """Anonymous and file-backed resident memory in MB; zero if it cannot be read."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    except OSError:  # it has ended, or this is not Linux
        return 0.0, 0.0
    sizes = {name: int(rest.split()[0]) for name, rest in (line.split(":", 1) for line in lines)}
    return sizes["Anonymous"] / 1024, (sizes["Rss"] - sizes["Anonymous"]) / 1024


def _report(runs: Sequence[tuple[float, Run]]) -> None:
    click.echo("repetition  imports  query, s  ratio  anonymous, MB  mapped files, MB")
    for number, (limit, run) in enumerate(runs, 1):
        memory = f"{run.anonymous:13.0f}  {run.mapped:16.0f}"
        click.echo(
            f"{number:>10}  {limit:7.2f}  {run.seconds:8.2f}  {run.seconds / limit:5.1f}  {memory}"
        )
    seconds = statistics.median(run.seconds for _, run in runs)
    memory_used = statistics.median(run.memory for _, run in runs)
    ratios = [run.seconds / limit for limit, run in runs]
    click.echo(
        f"\ncold query / imports: median {statistics.median(ratios):.1f} (min {min(ratios):.1f}, "
        f"max {max(ratios):.1f})\n{seconds:.2f} s and {memory_used:.0f} MB; the figures to stay "
        f"below are {SECONDS:g} s and {MEGABYTES} MB (peers.py measures rclip itself)"
    )


if __name__ == "__main__":
    main()
