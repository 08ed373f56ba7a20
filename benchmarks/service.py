"""Speed of the service: against the searcher itself, with several clients, while indexing.

The load is made on this machine, which the service then shares with it. Reference and service
answer the same questions in turn.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import psutil
from fixtures.many_pictures import SENTENCES, many_pictures
from PIL import Image, ImageOps

from indexer import Library, index_folder
from search import Query, Searcher

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "data" / "sample"
HITS = 10
CLIENTS = 8
MANY = 32  # clients of the long run
HEADERS = {"Content-Type": "application/json"}


class Client:
    """One client with one connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)

    def names(self, question: str, k: int = HITS) -> list[str]:
        """Names of the pictures that the service finds. Raises `ClickException` for an error."""
        body = json.dumps({"query": question, "literal": True, "k": k, "all": True})
        self._connection.request("POST", "/search", body, HEADERS)
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise click.ClickException(f"{response.status}: {content[:500]!r}")
        return [hit["name"] for hit in json.loads(content)["hits"]]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=100, show_default=True)
@click.option("--seconds", type=click.IntRange(1), default=60, show_default=True)
@click.option("--part", type=click.Choice(["queries", "soak"]), help="Default: both.")
def main(pictures: int, repeat: int, seconds: int, part: str | None) -> None:
    """Measure the service: one client, eight, and 32 while the library is indexed."""
    if part != "soak":
        library = many_pictures(pictures)
        with serving(library) as (address, process):
            alone = _one_client(library, address, process, repeat)
            _several_clients(address, process, repeat, alone)
            _command(library, repeat)
    if part != "queries":
        _while_indexing(seconds)


def questions() -> Iterator[str]:
    """Questions, repeated only after a while."""
    return itertools.cycle(SENTENCES)


@contextmanager
def serving(library: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A service of its own; its address and process."""
    words = [sys.executable, "-P", "-m", "ui", "serve", "--port", "0", "--rate", "0", "--offline"]
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    started = subprocess.Popen(
        [*words, "--library", str(library)],
        env=os.environ | {"PYTHONPATH": paths},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert started.stderr is not None
        line = started.stderr.readline()
        found = re.search(r"http://\S+", line)
        if found is None:
            raise click.ClickException(line + started.stderr.read())
        yield found[0], psutil.Process(started.pid)
    finally:
        started.terminate()
        started.communicate(timeout=60)


def _one_client(library: Path, address: str, process: psutil.Process, repeat: int) -> list[float]:
    """Print how long a query takes through HTTP, against the searcher; the seconds of each.

    Other programs disturb processor time less.
    """
    asked, own, served = questions(), [], []
    busy, busy_served = 0.0, 0.0
    with Library.open(library, read_only=True, offline=True) as opened:
        searcher = Searcher(opened)
        with closing(Client(address)) as client:
            for number in range(-10, repeat):
                question = next(asked)
                query = Query.of(question)
                before = time.process_time()
                alone = _seconds(partial(searcher.search, query, k=HITS, fold=True))
                used, before = time.process_time() - before, _processor(process)
                both = _seconds(partial(client.names, question))
                if number >= 0:
                    own.append(alone)
                    served.append(both)
                    busy, busy_served = busy + used, busy_served + _processor(process) - before
    _print("searcher alone", own)
    _print("one client", served)
    p50, p95 = (_quantile(served, q) / _quantile(own, q) for q in (0.5, 0.95))
    click.echo(
        f"one client / searcher: p50 {p50:.2f} (reach 1.3), p95 {p95:.2f} (reach 2), "
        f"processor time {busy_served / busy:.2f}"
    )
    return served


def _processor(process: psutil.Process) -> float:
    """Seconds of processor time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _several_clients(
    address: str, process: psutil.Process, repeat: int, alone: Sequence[float]
) -> None:
    """Print how many more queries a second eight clients get than one."""
    rates: dict[int, list[tuple[float, float]]] = {}
    busy: dict[int, float] = {}
    for clients in (1, CLIENTS, 1, CLIENTS):
        before = _processor(process)
        times, took = _load(address, clients, max(1, 2 * repeat // clients))
        used = (_processor(process) - before) / len(times)
        busy[clients] = min(used, busy.get(clients, used))
        rates.setdefault(clients, []).append((len(times) / took, _quantile(times, 0.95)))
    one, many = (max(rate for rate, _ in rates[n]) for n in (1, CLIENTS))
    slow = min(late for _, late in rates[CLIENTS]) / _quantile(alone, 0.5)
    click.echo(
        f"queries a second: one client {one:.1f}, {CLIENTS} clients {many:.1f}: "
        f"{many / one:.2f} times (reach 1.8); p95 {slow:.1f} times p50 of one (reach below 8); "
        f"processor time of a query {busy[CLIENTS] / busy[1]:.2f} times that of one"
    )


def _load(address: str, clients: int, each: int) -> tuple[list[float], float]:
    """The seconds of all queries of some clients, and those of the whole load."""
    times: list[float] = []

    def ask(number: int) -> None:
        asked = itertools.islice(questions(), 37 * number, 37 * number + each)
        with closing(Client(address)) as client:
            for question in asked:
                times.append(_seconds(partial(client.names, question)))

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(clients)))
    return times, time.perf_counter() - start


def _command(library: Path, repeat: int) -> None:
    """Print how long `picfuse search` takes with and without the service."""
    words = [sys.executable, "-P", "-m", "ui", "search", "a dog in the snow"]
    words += ["--library", str(library)]
    for name, more in (("picfuse search, warm", []), ("picfuse search, cold", ["--no-service"])):
        times = [
            _seconds(partial(subprocess.run, [*words, *more], capture_output=True, check=True))
            for _ in range(max(3, repeat // 10))
        ]
        _print(name, times)


@dataclass
class Watch:
    """Names that were removed, each with the time since when no answer may have it."""

    removed: dict[str, float] = field(default_factory=dict)
    stale: int = 0
    answers: int = 0

    def check(self, names: Sequence[str], asked: float) -> None:
        """Count an answer to a question that was asked at a time."""
        self.answers += 1
        self.stale += sum(self.removed.get(name, asked) < asked for name in names)


def _while_indexing(seconds: int) -> None:
    """Print errors, stale hits and memory of 32 clients while pictures come and go."""
    with tempfile.TemporaryDirectory() as temporary:
        folder, library = Path(temporary) / "pictures", Path(temporary) / "library"
        shutil.copytree(SAMPLE, folder)
        with Library.create(library, offline=True) as made:
            index_folder(made, folder)
        with serving(library) as (address, process):
            watch, errors, memory = _soak(address, process, library, folder, seconds)
    half = memory[len(memory) // 2 :]
    growth = (statistics.median(half[-5:]) / statistics.median(half[:5]) - 1) if half else 0.0
    click.echo(
        f"{MANY} clients, {seconds} s, indexing meanwhile: {watch.answers} answers, {errors} "
        f"errors, {watch.stale} stale hits of {len(watch.removed)} removed pictures (reach 0); "
        f"memory {max(memory) / 2**20:.0f} MB, {growth:+.1%} in the second half (reach 5 %)"
    )


def _soak(
    address: str, process: psutil.Process, library: Path, folder: Path, seconds: int
) -> tuple[Watch, int, list[int]]:
    watch, errors, memory = Watch(), 0, []
    end, stop = time.monotonic() + seconds, threading.Event()

    def ask(number: int) -> int:
        failed = 0
        with closing(Client(address)) as client:
            for question in itertools.islice(questions(), 11 * number, None):
                if stop.is_set():
                    return failed
                asked = time.monotonic()
                try:
                    watch.check(client.names(question, 60), asked)
                except (OSError, click.ClickException, http.client.HTTPException) as error:
                    click.echo(f"error: {error}", err=True)
                    failed += 1
        return failed

    with ThreadPoolExecutor(MANY) as pool:
        running = [pool.submit(ask, number) for number in range(MANY)]
        try:
            for round_ in itertools.count():
                if time.monotonic() > end:
                    break
                _change(library, folder, round_, watch)
                memory.append(process.memory_info().rss)
        finally:
            stop.set()
        errors = sum(one.result() for one in running)
    return watch, errors, memory


def _change(library: Path, folder: Path, number: int, watch: Watch) -> None:
    """Add a picture and index, then remove it and index again."""
    source = sorted(folder.glob("[a-z]*.jpg"))[number % 50]
    name = f"_{number}-{source.name}"
    with Image.open(source) as image:
        ImageOps.mirror(image.convert("RGB")).save(folder / name)
    _index(library, folder)
    (folder / name).unlink()
    _index(library, folder)
    watch.removed[name] = time.monotonic()


def _index(library: Path, folder: Path) -> None:
    with Library.open(library, offline=True) as opened:
        index_folder(opened, folder)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _print(name: str, times: Sequence[float]) -> None:
    p50, p95 = 1000 * _quantile(times, 0.5), 1000 * _quantile(times, 0.95)
    click.echo(f"{name:22} p50 {p50:7.1f} ms, p95 {p95:7.1f} ms, min {1000 * min(times):.1f} ms")


if __name__ == "__main__":
    main()
