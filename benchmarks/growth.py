"""Cost of a picture in small and large libraries: to store, to index, to search.

Pictures that were never files go through the same functions, in the same batches, as decoded ones,
so only the catalogue and the vector index are timed. A large library and small ones are made by
turns, a few batches each, so that both see the same load of the machine; the cost of a picture in
the large one is divided by that in the small ones.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil
from fixtures.tiny_encoder import SIDE
from fixtures.tiny_pictures import ENCODER, environment

from indexer import IndexOptions, Library
from indexer.captions import Caption
from indexer.encoders import registry
from indexer.metadata.fact import Fact
from indexer.pictures.decoding import Decoded
from indexer.pictures.facts import ContentFacts
from indexer.pictures.found import FoundPicture
from indexer.pictures.hashes import BITS
from indexer.pipeline.folders import name_folders
from indexer.pipeline.plan import FolderPlan
from indexer.pipeline.report import PICTURES_PER_BATCH, IndexReport
from indexer.pipeline.storing import encode_pictures, store_pictures
from search import Searcher

FIGURE = 0.10
QUERIES, HITS = 20, 20
SMALL_ONES, TURN = 10, 5  # small libraries beside a large one; batches of theirs between its own


@dataclass(slots=True)
class Cost:
    """Seconds that pictures took, the processor's part of them, and bytes of their library."""

    pictures: int = 0
    catalogue: float = 0.0
    index: float = 0.0
    processor: float = 0.0
    size: int = 0

    def each(self, seconds: float) -> float:
        """Milliseconds for each picture."""
        return 1000 * seconds / self.pictures

    def __str__(self) -> str:
        parts = (self.catalogue, self.index, self.processor)
        catalogue, index, processor = map(self.each, parts)
        return f"{catalogue:>9.3f}  {index:>5.3f}  {processor:>9.3f}  {self.size / 1e6:>11.0f}"


class Growing:
    """A library in the making, of `count` pictures; adds their cost to `cost`."""

    def __init__(self, room: Path, count: int, captions: float, cost: Cost) -> None:
        (room / "pictures").mkdir(parents=True)
        self.room, self.cost, self._wanted = room, cost, count
        self._library = Library.create(room / "library", encoder=ENCODER)
        [folder] = name_folders(self._library, [room / "pictures"], IndexOptions())
        self._plan, self._report = FolderPlan(folder), IndexReport()
        self._made = _outcomes(count, captions)

    def store(self, batches: int) -> bool:
        """Store some more batches; returns whether anything was left to store."""
        for _ in range(batches):
            outcomes = list(islice(self._made, PICTURES_PER_BATCH))
            if not outcomes:
                return False
            start, began = time.perf_counter(), time.process_time()
            encoded = encode_pictures(self._library, self._plan, outcomes, {})
            store_pictures(self._library, self._plan, encoded, self._report)
            self.cost.catalogue += time.perf_counter() - start
            self.cost.processor += time.process_time() - began
            self.cost.pictures += len(outcomes)
        return True

    def finish(self) -> None:
        """Bring the vector index up to date, and close the library."""
        start, began = time.perf_counter(), time.process_time()
        self._library.save_vectors()
        self.cost.index += time.perf_counter() - start
        self.cost.processor += time.process_time() - began
        self._library.close()
        if self._report.added != self._wanted:
            raise click.ClickException(
                f"{self._report.added} of {self._wanted} pictures were stored"
            )
        files = (self.room / "library").rglob("*")
        self.cost.size = sum(file.stat().st_size for file in files if file.is_file())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--small", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--large", type=click.IntRange(1), multiple=True, default=(100_000, 1_000_000))
@click.option("--captions", type=click.FloatRange(0, 1), default=0.5, show_default=True)
@click.option("--room", type=click.Path(path_type=Path), help="Make the libraries in this folder.")
@click.option("--ask", type=click.Path(path_type=Path), hidden=True)
def main(
    small: int, large: tuple[int, ...], captions: float, room: Path | None, ask: Path | None
) -> None:
    """Measure how the cost of a picture and of a query grows with the library."""
    registry.BUILT_IN[ENCODER] = "fixtures.tiny_encoder:open_encoder"
    if ask is not None:
        click.echo(json.dumps(_query_cost(ask)))
        return
    click.echo("            milliseconds a picture")
    click.echo("pictures  catalogue  index  processor  library, MB")
    for count in sorted(large):
        with tempfile.TemporaryDirectory(dir=room) as name:
            _compare(*_grow(Path(name), small, count, captions))


def _compare(few: Cost, many: Cost) -> None:
    """Print the cost of a picture in the larger library relative to the smaller ones."""
    total = many.each(many.catalogue + many.index) / few.each(few.catalogue + few.index)
    processor = many.each(many.processor) / few.each(few.processor)
    click.echo(
        f"a picture costs {total:.2f} times what it does among few, and {processor:.2f} times the "
        f"processor's time; the figure to stay within is {1 + FIGURE:.2f}\n"
    )


def _grow(room: Path, small: int, count: int, captions: float) -> tuple[Cost, Cost]:
    """Make small libraries and a large one by turns; prints the costs of both, and of a query."""
    few, many = Cost(), Cost()
    large = Growing(room / "large", count, captions, many)
    turn = max(1, round(TURN * count / (SMALL_ONES * small)))
    for number in range(SMALL_ONES):
        little = Growing(room / f"small-{number}", small, captions, few)
        while little.store(TURN):
            large.store(turn)
        little.finish()
        if number < SMALL_ONES - 1:
            shutil.rmtree(little.room)
    while large.store(turn):
        pass
    large.finish()
    for pictures, cost, made in ((small, few, little), (count, many, large)):
        click.echo(f"{pictures:>8}  {cost}")
        _print_queries(_query_in_process(made.room))
    return few, many


def _print_queries(answer: dict[str, Any]) -> None:
    """Print the cost of queries."""
    click.echo(
        f"{'':>8}  opened and first asked in {answer['first']:.0f} ms, then a query "
        f"{answer['query']:.1f} ms; resident {answer['anonymous']:.0f} MB, and "
        f"{answer['mapped']:.0f} MB of mapped files"
    )


def _outcomes(count: int, captions: float) -> Iterator[tuple[FoundPicture, Decoded]]:
    """Made results of decoding `count` pictures, in folders of a thousand."""
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        content = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest()
        name = b"%04d/%08d.jpg" % (number // 1000, number)
        said = (Caption(f"picture {number} of many", "exif"),) if random.random() < captions else ()
        look = content[::-1]
        found = FoundPicture(name, int(random.integers(10**6, 10**7)), number * 10**9)
        dated = (Fact("taken", "2020-01-01T00:00:00", "exif original"),)
        shown = content[: BITS // 8]  # no two are alike, so that none is folded into another
        facts = ContentFacts(4000, 3000, "JPEG", shown, look, captions=said, metadata=dated)
        yield found, Decoded(name, content, facts, pixels)


def _query_in_process(room: Path) -> dict[str, Any]:
    """The cost of queries in a process of their own."""
    words = [sys.executable, "-P", __file__, "--ask", str(room / "library")]
    done = subprocess.run(words, env=environment(room), stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _query_cost(path: Path) -> dict[str, float]:
    """Milliseconds of the first query and of later ones, and the megabytes that they add."""
    before = _memory()
    start = time.perf_counter()
    with Library.open(path, read_only=True) as library:
        searcher = Searcher(library)
        seconds = []
        for number in range(QUERIES + 1):
            if len(searcher.search(f"picture {number}", k=HITS).hits) != HITS:
                raise click.ClickException("a query found nothing")
            seconds.append(time.perf_counter() - start)
            start = time.perf_counter()
        after = _memory()
    first, *later = (1000 * s for s in seconds)
    anonymous, mapped = (now - then for now, then in zip(after, before, strict=True))
    return {
        "first": first,
        "query": statistics.median(later),
        "anonymous": anonymous / 1e6,
        "mapped": mapped / 1e6,
    }


def _memory() -> tuple[int, int]:
    """Resident bytes of this process: its own, and of mapped files (known apart on Linux)."""
    memory = psutil.Process(os.getpid()).memory_info()
    mapped = getattr(memory, "shared", 0)
    return memory.rss - mapped, mapped


if __name__ == "__main__":
    main()
