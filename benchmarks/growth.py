"""What a picture costs among few and among many: to store, to put into the index, to search.

Pictures that were never files go through the same functions, in the same batches, as those that
indexing has decoded: so what is timed is the catalogue and the vector index alone. Each larger
library is made between two small ones and its cost per picture divided by their mean.
"""

from __future__ import annotations

import hashlib
import json
import os
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
from tiny_encoder import SIDE
from tiny_pictures import ENCODER, environment

from indexer import IndexOptions, Library
from indexer.captions import Caption
from indexer.decoded import Decoded
from indexer.encoders import registry
from indexer.exif import Exif
from indexer.folders import name_folders
from indexer.images import FoundPicture
from indexer.perceptual_hash import BITS
from indexer.plan import FolderPlan
from indexer.report import BATCH, IndexReport
from indexer.storing import encode_pictures, store_pictures
from search import Searcher

FIGURE = 0.10
QUERIES, HITS = 20, 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds for each picture, and of them the processor's; megabytes of the library."""

    catalogue: float
    index: float
    processor: float
    megabytes: float

    @property
    def total(self) -> float:
        """Catalogue and index."""
        return self.catalogue + self.index


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
    registry.BUILT_IN[ENCODER] = "tiny_encoder:open_encoder"
    if ask is not None:
        click.echo(json.dumps(_asked(ask)))
        return
    click.echo("            milliseconds a picture")
    click.echo("pictures  catalogue  index  processor  library, MB")
    before = _measured(small, captions, room)
    for count in sorted(large):
        cost = _measured(count, captions, room)
        after = _measured(small, captions, room)
        _compare(cost, before, after)
        before = after


def _compare(cost: Cost, before: Cost, after: Cost) -> None:
    """Say what a picture of the larger library cost in those of the smaller ones around it."""
    total = cost.total / statistics.mean((before.total, after.total))
    processor = cost.processor / statistics.mean((before.processor, after.processor))
    click.echo(
        f"a picture costs {total:.2f} times what it does among few, and {processor:.2f} times the "
        f"processor's time; the figure to stay within is {1 + FIGURE:.2f}\n"
    )


def _measured(count: int, captions: float, room: Path | None) -> Cost:
    """Make a library of so many pictures, print what it cost, and what a query costs then."""
    with tempfile.TemporaryDirectory(dir=room) as name:
        cost = _filled(Path(name), count, captions)
        click.echo(
            f"{count:>8}  {cost.catalogue:>9.3f}  {cost.index:>5.3f}  {cost.processor:>9.3f}"
            f"  {cost.megabytes:>11.0f}"
        )
        answer = _asked_elsewhere(Path(name))
        click.echo(
            f"{'':>8}  opened and first asked in {answer['first']:.0f} ms, then a query "
            f"{answer['query']:.1f} ms; resident {answer['anonymous']:.0f} MB, and "
            f"{answer['mapped']:.0f} MB of mapped files"
        )
    return cost


def _filled(room: Path, count: int, captions: float) -> Cost:
    """Store so many pictures in a new library, and bring its vector index up to date."""
    (room / "pictures").mkdir()
    catalogue, processor = 0.0, 0.0
    with Library.create(room / "library", encoder=ENCODER) as library:
        [folder] = name_folders(library, [room / "pictures"], IndexOptions())
        plan, report = FolderPlan(folder), IndexReport()
        made = _outcomes(count, captions)
        while outcomes := list(islice(made, BATCH)):
            start, began = time.perf_counter(), time.process_time()
            store_pictures(library, plan, encode_pictures(library, plan, outcomes, {}), report)
            catalogue += time.perf_counter() - start
            processor += time.process_time() - began
        start, began = time.perf_counter(), time.process_time()
        library.save_vectors()
        index = time.perf_counter() - start
        processor += time.process_time() - began
    if report.added != count:
        raise click.ClickException(f"{report.added} of {count} pictures were stored")
    size = sum(file.stat().st_size for file in (room / "library").rglob("*") if file.is_file())
    each = [1000 * seconds / count for seconds in (catalogue, index, processor)]
    return Cost(each[0], each[1], each[2], size / 1e6)


def _outcomes(count: int, captions: float) -> Iterator[tuple[FoundPicture, Decoded]]:
    """What decoding would give of so many pictures, in folders of a thousand."""
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        content = hashlib.blake2b(number.to_bytes(8, "big"), digest_size=16).digest()
        name = b"%04d/%08d.jpg" % (number // 1000, number)
        said = (Caption(f"picture {number} of many", "exif"),) if random.random() < captions else ()
        look = content[::-1]
        found = FoundPicture(name, int(random.integers(10**6, 10**7)), number * 10**9)
        facts = Exif(taken="2020-01-01T00:00:00")
        shown = content[: BITS // 8]  # no two are alike, so that none is folded into another
        taken = (name, content, 4000, 3000, "JPEG", facts)
        yield found, Decoded(*taken, said, pixels, look, shown)


def _asked_elsewhere(room: Path) -> dict[str, Any]:
    """What queries cost in a process that did nothing else."""
    words = [sys.executable, "-P", __file__, "--ask", str(room / "library")]
    done = subprocess.run(words, env=environment(room), stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _asked(path: Path) -> dict[str, float]:
    """Milliseconds of the first query and of later ones; megabytes of this process more by them."""
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
