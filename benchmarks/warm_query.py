"""Cost of an answer once picfuse runs, against FAISS's exact scan of the same rows.

The text is encoded beforehand; an answer includes the 20 hits read from the catalogue. FAISS scans
the rows in float32 with all cores. Both run in turn.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import faiss
import numpy as np
from fixtures.many_pictures import QUESTIONS, many_pictures
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.encoders import Encoder, Pixels
from indexer.library.library import Library
from search import Query, Searcher

FIGURE, HITS = 1.2, 20


class RememberedTexts:
    """The library's encoder, except that it has encoded the questions beforehand."""

    def __init__(self, encoder: Encoder, texts: Sequence[str]) -> None:
        self._encoder = encoder
        self._rows = dict(zip(texts, encoder.encode_texts(texts), strict=True))

    def __getattr__(self, name: str) -> object:
        return getattr(self._encoder, name)

    def encode_images(self, images: Pixels) -> Rows:
        """Encode with the library's encoder."""
        return self._encoder.encode_images(images)

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Return the remembered rows."""
        return np.stack([self._rows[text] for text in texts])


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=30, show_default=True)
@click.option(
    "--library",
    type=click.Path(exists=True, path_type=Path),
    help="Search this one. Default: made pictures, kept in the user's cache.",
)
def main(pictures: int, repeat: int, library: Path | None) -> None:
    """Measure a warm query against FAISS's scan."""
    with Library.open(library or many_pictures(pictures), read_only=True, offline=True) as opened:
        opened.use_encoder(RememberedTexts(opened.encoder, QUESTIONS))  # type: ignore[arg-type]
        searcher, index = Searcher(opened), _exact(opened)
        rows = _question_rows(opened)
        times = _measure(searcher, index, rows, repeat)
    _report(len(rows), *times)


def _exact(library: Library) -> faiss.IndexFlatIP:
    """All rows in FAISS, in float32."""
    vectors = library.vectors()
    index = faiss.IndexFlatIP(library.width)
    index.add(np.ascontiguousarray(vectors.rows, np.float32))
    return index


def _question_rows(library: Library) -> NDArray[np.float32]:
    """The questions as query rows (m, width), at the library's own weight."""
    rows = library.encoder.encode_texts(QUESTIONS)
    return np.ascontiguousarray(library.fusion.query(rows, library.weight), np.float32)


def _measure(
    searcher: Searcher, index: faiss.IndexFlatIP, rows: NDArray[np.float32], repeat: int
) -> tuple[list[float], list[float]]:
    """Seconds of each query and each scan, in turn, after one round that only warms up."""
    queries, scans = [], []
    for number in range(-len(rows), repeat):
        place = number % len(rows)
        query = replace(Query.of(QUESTIONS[place]), weight=searcher.library.weight)
        scan = _seconds(partial(index.search, rows[place : place + 1], HITS))
        took = _seconds(partial(_search, searcher, query))
        if number >= 0:
            queries.append(took)
            scans.append(scan)
    return queries, scans


def _search(searcher: Searcher, query: Query) -> None:
    if len(searcher.search(query, k=HITS).hits) != HITS:
        raise click.ClickException(f"fewer than {HITS} hits")


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _report(questions: int, queries: Sequence[float], scans: Sequence[float]) -> None:
    ratios = sorted(query / scan for query, scan in zip(queries, scans, strict=True))
    click.echo(
        f"{len(queries)} queries, {questions} questions, {faiss.omp_get_max_threads()} cores"
    )
    for name, seconds in (("query", queries), ("FAISS alone", scans)):
        low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
        click.echo(
            f"{name:12} {1000 * middle:6.1f} ms (min {1000 * low:.1f}, max {1000 * high:.1f})"
        )
    click.echo(
        f"query / FAISS: median {statistics.median(ratios):.2f} (min {ratios[0]:.2f}, max "
        f"{ratios[-1]:.2f}); the figure to stay below is {FIGURE:g}"
    )


if __name__ == "__main__":
    main()
