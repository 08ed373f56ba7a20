"""Collections beyond one machine: the plan on paper, and the local index at ten million.

`--plan` computes the tables of docs/scale.md. `--queries N` makes N vectors like those of
photographs (`fixtures/million.py`), compresses them as a library does, and measures what a query
takes and finds, and what memory it needs, in a process of its own. Given several N, it also prints
what a picture and a query cost in the largest collection against the smallest. Everything that is
made stays in `--room`: an interrupted run goes on where it was.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import numpy as np
from fixtures.data import DATA
from fixtures.million import Room
from fixtures.photograph_views import encode_views, photographs, read_views
from fixtures.scale import Assumptions, plan
from vectors import Queries

from indexer.encoders import load_encoder
from indexer.vectors import compressed
from indexer.vectors.compression import compress
from indexer.vectors.nearest import Selection

WEIGHTS = (0.0, 0.5, 1.0)
HITS = 10
REACH = "15 ms at recall@10 0.98 in 2.5 GB, for 10 million"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--plan", "planned", is_flag=True, help="Print the tables of docs/scale.md.")
@click.option("--assume", metavar="NAME=VALUE", multiple=True, help="Change an assumption of them.")
@click.option("--queries", "sizes", type=click.IntRange(1000), multiple=True, metavar="PICTURES")
@click.option("--views", type=click.IntRange(1), default=1, show_default=True)
@click.option("--ask", type=click.IntRange(2), default=200, show_default=True, help="Queries.")
@click.option("--room", type=click.Path(path_type=Path), help="Where all that is made is kept.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--measure-only", type=click.Path(path_type=Path), hidden=True)
def main(
    planned: bool,
    assume: tuple[str, ...],
    sizes: tuple[int, ...],
    views: int,
    ask: int,
    room: Path | None,
    data: Path,
    measure_only: Path | None,
) -> None:
    """Plan and measure collections of many millions."""
    compressed.COMPRESS_FROM = 1
    if measure_only is not None:
        click.echo(json.dumps(_measured(measure_only, data, ask)))
        return
    if not planned and not sizes:
        raise click.UsageError("nothing to do: name --plan or --queries")
    if planned:
        for line in plan(_assumptions(assume)):
            click.echo(line)
    if sizes:
        if room is None:
            raise click.UsageError("--queries needs --room, a folder with 2.4 KB for each picture")
        _queries(sorted(sizes), room, data, views, ask)


def _assumptions(assume: Sequence[str]) -> Assumptions:
    names = {each.name for each in fields(Assumptions)}
    values: dict[str, Any] = {}
    for text in assume:
        name, _, value = text.partition("=")
        if name not in names:
            raise click.UsageError(f"{name!r} is no assumption; there are {', '.join(names)}")
        values[name] = float(value) if "." in value else int(value)
    return Assumptions(**values)


def _queries(sizes: Sequence[int], room: Path, data: Path, views: int, ask: int) -> None:
    if not (data / "flickr8k").exists():
        click.echo(f"Nothing measured: no photographs in {data} (--data FOLDER says where).")
        return
    click.echo(f"to reach: {REACH}")
    found = []
    for size in sizes:
        built = _make(room / str(size), data, views, size)
        command = [sys.executable, __file__, "--measure-only", str(room / str(size))]
        command += ["--data", str(data), "--ask", str(ask)]
        answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        figures = json.loads(answer.stdout.splitlines()[-1]) | built
        found.append(figures)
        for line in _lines(size, figures):
            click.echo(line)
    if len(found) > 1:
        first, last = found[0], found[-1]
        for name in ("rows_ms", "build_ms", "p50"):
            click.echo(
                f"{name} of {sizes[-1]:,} against {sizes[0]:,}: {last[name] / first[name]:.2f}"
            )


def _make(folder: Path, data: Path, views: int, rows: int) -> dict[str, float]:
    """Make rows and views unless they are there; milliseconds of a picture for each.

    Times add up over interrupted runs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    room = Room(folder, load_encoder("mini"))
    took = _Took(folder / "took.json")
    if not (folder / "rows.json").exists():
        selection = photographs(data)
        for _ in encode_views(room.encoder, selection, views):
            pass
        with took.adding("rows"):
            room.fill(read_views(room.encoder, selection, views), rows)
    steps = iter(compress(room))
    while True:
        with took.adding("build"):
            step = next(steps, None)
        if step is None:
            break
        click.echo(f"  {rows:,}: {step.what} {step.done} of {step.total}", err=True)
    seconds = took.seconds
    return {f"{name}_ms": 1e3 * seconds.get(name, 0.0) / rows for name in ("rows", "build")}


class _Took:
    """Seconds of each kind of work, kept in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def seconds(self) -> dict[str, float]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}

    @contextmanager
    def adding(self, name: str) -> Iterator[None]:
        """Add the time of what is done meanwhile."""
        start = time.perf_counter()
        yield
        known = self.seconds
        known[name] = known.get(name, 0.0) + time.perf_counter() - start
        self._path.write_text(json.dumps(known))


def _measured(folder: Path, data: Path, ask: int) -> dict[str, Any]:
    """Times, recall and memory of queries: memory before any exact scan."""
    encoder = load_encoder("mini")
    encoder.encode_texts(["the encoder is there before"])
    before = resident("RssAnon")
    searched = Queries(Room(folder, encoder), photographs(data), ask)
    if searched.stored.index.compressed is None:
        raise click.ClickException("the compressed index finds too little and is not used")
    figures: dict[str, Any] = {"weights": {}}
    for weight in WEIGHTS:
        times: list[Any] = []
        near: list[Any] = []
        for _ in range(2):  # the first round reads the view and the rows of candidates
            times, near = [], []
            for _, q, own in searched.queries:
                start = time.perf_counter()
                near.append(searched.near(q, weight, Selection(HITS, own)))
                times.append(1e3 * (time.perf_counter() - start))
        p50, p95 = np.percentile(times, [50, 95])
        figures["weights"][str(weight)] = {
            "p50": float(p50), "p95": float(p95), "near": [found.tolist() for found in near],
            "memory": resident("RssAnon") - before,
        }  # fmt: skip
    figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for weight in WEIGHTS:
        own = figures["weights"][str(weight)]
        scans, shares = [], []
        for (_, q, barred), found in zip(searched.queries, own.pop("near"), strict=True):
            start = time.perf_counter()
            exact = searched.exact(q, weight, Selection(HITS, barred))
            scans.append(1e3 * (time.perf_counter() - start))
            shares.append(np.isin(exact, found).mean())
        own |= {"recall": float(np.mean(shares)), "scan": float(np.median(scans))}
    figures["p50"] = max(own["p50"] for own in figures["weights"].values())
    figures["disk"] = sum(p.stat().st_size for p in folder.iterdir()) / 1e9
    return figures


def resident(kind: str) -> float:
    """Memory of this process in MB, of a kind that /proc/self/status names (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(kind))


def _lines(size: int, figures: dict[str, Any]) -> Iterator[str]:
    yield (
        f"{size:,} pictures: rows {figures['rows_ms']:.3f} ms and compression "
        f"{figures['build_ms']:.3f} ms a picture, {figures['disk']:.1f} GB on disk"
    )
    for weight, own in figures["weights"].items():
        yield (
            f"  weight {weight}: p50 {own['p50']:.1f} ms, p95 {own['p95']:.1f} ms, recall@{HITS} "
            f"{own['recall']:.4f}, {own['memory']:.0f} MB beside Python and the encoder; an exact "
            f"scan {own['scan']:.0f} ms"
        )


if __name__ == "__main__":
    main()
