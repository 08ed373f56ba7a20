"""A million pictures: the exact scan against memory, the compressed index against the exact scan.

The rows are embeddings of photographs, extended by `fixtures/million.py`; the queries are captions
of the dev split that belong to no picture of the index, and its photographs. Everything that is
compared is measured in turn, in one run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import click
import faiss
import numpy as np
from fixtures.data import DATA
from fixtures.million import Room
from fixtures.photograph_views import (
    Photograph,
    encode_views,
    photographs,
    query_captions,
    read_views,
)
from numpy.typing import NDArray

from indexer.embedding import IMAGE, TEXT, centred_query
from indexer.encoders import Encoder, load_encoder
from indexer.vectors import compressed
from indexer.vectors.compression import compress
from indexer.vectors.nearest import Selection, nearest, ranked
from indexer.vectors.scoring import CentredIndex

WEIGHTS = (0.0, 0.5, 1.0)
HITS = 10
Ask = Callable[[NDArray[np.float32], float, Selection], object]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", type=click.IntRange(1000), default=1_000_000, show_default=True)
@click.option("--views", type=click.IntRange(1), default=3, show_default=True)
@click.option("--queries", type=click.IntRange(2), default=400, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=5, show_default=True)
@click.option("--room", type=click.Path(path_type=Path), help="Keep the rows there.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA)
@click.option("--ask-only", is_flag=True, hidden=True)
def main(
    rows: int, views: int, queries: int, repeat: int, room: Path | None, data: Path, ask_only: bool
) -> None:
    """Measure searching many pictures."""
    compressed.COMPRESS_FROM = 1
    if not (data / "flickr8k").exists():
        click.echo(f"Nothing measured: no photographs in {data} (--data FOLDER says where).")
        return
    encoder = load_encoder("mini")
    selection = photographs(data)
    if ask_only and room:
        _ask(room, encoder, selection, queries)
        return
    for _ in encode_views(encoder, selection, views):
        pass
    with ExitStack() as stack:
        folder = room or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for name, count in (("real", views * len(selection)), ("all", rows)):
            _make(folder / name, encoder, selection, views, count)
            click.echo(f"\n{min(count, rows):,} pictures ({name})")
            searched = Queries(Room(folder / name, encoder), selection, queries)
            if name == "all":
                _scan(searched, repeat)
            _recall(searched)
        _speed(searched, repeat)
        _memory(folder / "all", data, queries)


def _make(
    folder: Path, encoder: Encoder, selection: Sequence[Photograph], views: int, count: int
) -> None:
    """Write rows and compressed index of a room, unless a former run did."""
    room = Room(folder, encoder)
    if not (folder / "rows.json").exists():
        folder.mkdir(parents=True)
        room.fill(read_views(encoder, selection, views), count)
    start = time.perf_counter()
    for _ in compress(room):
        pass
    seconds = time.perf_counter() - start
    if seconds > 1:
        click.echo(f"compressed {folder.name} in {seconds:.0f} s")
    for view in room.compressed.views:
        said = ", ".join(f"{kind} {share:.4f}" for kind, share in (view.recall or {}).items())
        click.echo(f"weight {view.weight}: step {view.step}, recall by its own sample {said}")


class Queries:
    """An index, and queries for it: (kind, centred row, positions to exclude)."""

    def __init__(self, room: Room, selection: Sequence[Photograph], queries: int) -> None:
        self.stored = CentredIndex.in_index(room.vectors(), room.encoder.means)
        means = self.stored.centres.means
        random = np.random.default_rng(1)
        captions = query_captions(selection)
        captions = [captions[n] for n in random.permutation(len(captions))[: queries // 2]]
        texts = centred_query(room.encoder.encode_texts(captions), TEXT, means)
        in_dev = np.flatnonzero([photograph.in_dev for photograph in selection])
        own = random.permutation(in_dev)[: queries // 2] + 1  # the first view of each
        images = room.embedded(np.sort(own).tolist())
        rows = centred_query(images.v_i, IMAGE, means)
        no_positions = np.zeros(0, np.int64)
        self.queries = [("caption", q, no_positions) for q in texts]
        self.queries += [
            ("picture", q, self.stored.index.positions(np.array([key])))
            for q, key in zip(rows, images.ids, strict=True)
        ]

    def exact(self, q: NDArray[np.float32], weight: float, limit: Selection) -> NDArray[np.int64]:
        """The best hits by an exact scan."""
        return ranked(self.stored, q, weight, limit)[0]

    def near(self, q: NDArray[np.float32], weight: float, limit: Selection) -> NDArray[np.int64]:
        """The best hits by the compressed index."""
        return nearest(self.stored, q, weight, limit)[0]


def _recall(searched: Queries) -> None:
    """Print the share of the ten best hits that the compressed index finds."""
    if searched.stored.index.compressed is None:
        click.echo("the compressed index finds too little and is not used")
        return
    for weight in (0.0, 0.25, 0.5, 0.75, 1.0):
        shares: dict[str, list[float]] = {"caption": [], "picture": []}
        for kind, q, own in searched.queries:
            limit = Selection(HITS, own)
            exact, found = searched.exact(q, weight, limit), searched.near(q, weight, limit)
            shares[kind].append(float(np.isin(exact, found).mean()))
        said = ", ".join(f"{kind} {np.mean(found):.4f}" for kind, found in shares.items())
        click.echo(f"recall@{HITS} at weight {weight}: {said}")


def _scan(searched: Queries, repeat: int) -> None:
    """Print the time of an exact scan, and that of reading the same bytes."""
    index = searched.stored.index
    _, q, own = searched.queries[0]
    for weight, parts in ((1.0, (0,)), (0.5, (0, 1))):
        blocks = [keyed.block.parts[part] for part in parts for keyed in index.blocks]
        reading, ratios = [], []
        for _ in range(repeat + 1):
            reading.append(_milliseconds(partial(_read, blocks)))
            taken = _milliseconds(partial(searched.exact, q, weight, Selection(HITS, own)))
            ratios.append(taken / reading[-1])
        size = sum(block.nbytes for block in blocks) / 1e9
        read, ratio = statistics.median(reading[1:]), statistics.median(ratios[1:])
        click.echo(
            f"exact scan, {len(parts)} x {index.width // 2}: memory {read:.1f} ms "
            f"({1e3 * size / read:.1f} GB/s), {ratio:.2f} times that ({read * ratio:.1f} ms)"
        )


def _read(blocks: Sequence[NDArray[np.floating]]) -> None:
    """Read every byte once, on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in pool.map(lambda block: block.reshape(-1).view(np.uint64).max(), blocks):
            pass


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - start)


def _speed(searched: Queries, repeat: int) -> None:
    """Print the time of the compressed index against an exact scan of float32 rows by FAISS."""
    index = searched.stored.index
    flat = faiss.IndexFlatIP(index.width // 2)
    for keyed in index.blocks:
        flat.add(keyed.block.parts[0].astype(np.float32))
    chosen = searched.queries[:: max(1, len(searched.queries) // 40)]
    for weight in WEIGHTS:
        times, ratios = [], []
        for number in range(repeat):
            scans = [_milliseconds(partial(flat.search, q[None], HITS)) for _, q, _ in chosen[:3]]
            found = [
                _milliseconds(partial(searched.near, q, weight, Selection(HITS, own)))
                for _, q, own in chosen
            ]
            if number or repeat == 1:
                times.append(statistics.median(found))
                ratios.append(statistics.median(scans) / times[-1])
        ratio = statistics.median(ratios)
        time_taken = statistics.median(times)
        click.echo(
            f"weight {weight}: compressed {time_taken:.2f} ms, exact float32 scan of "
            f"{index.width // 2} dimensions {ratio:.0f} times that ({ratio * time_taken:.0f} ms)"
        )


def _memory(folder: Path, data: Path, queries: int) -> None:
    """Print the memory of a process that only searches."""
    command = [sys.executable, __file__, "--ask-only", "--room", str(folder)]
    command += ["--data", str(data), "--queries", str(queries)]
    subprocess.run(command, check=True)


def _ask(folder: Path, encoder: Encoder, selection: Sequence[Photograph], queries: int) -> None:
    """Search at every weight and print the memory used."""
    encoder.encode_texts(["the encoder is there before"])
    before = _resident()
    searched = Queries(Room(folder, encoder), selection, queries)
    for weight in WEIGHTS:
        for _, q, own in searched.queries:
            searched.near(q, weight, Selection(HITS, own))
        now = _resident()
        click.echo(
            f"after weight {weight}: {now['RssAnon'] - before['RssAnon']:.0f} MB resident "
            f"(with Python and the encoder {now['RssAnon']:.0f}), pages of mapped files "
            f"{now['RssFile'] - before['RssFile']:.0f} MB"
        )


def _resident() -> dict[str, float]:
    """Memory of this process in MB, by kind (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return {
        line.partition(":")[0]: int(line.split()[1]) / 1024
        for line in lines
        if line.startswith(("RssAnon", "RssFile"))
    }


if __name__ == "__main__":
    main()
