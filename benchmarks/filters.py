"""Filtered queries: exactness, cost, and pages without repetitions.

    python benchmarks/filters.py --pictures 100000

The library is that of `cold_query.py`; the size of each picture in bytes is its number, so that a
condition on the size can let any share of them pass. Each answer is compared with brute force,
which sorts the scores of all pictures that pass. The time is divided by that of the same query
without a condition, run in turn.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

import click
import numpy as np
from fixtures.many_pictures import QUESTIONS, many_pictures
from numpy.typing import NDArray
from warm_query import RememberedTexts

from indexer.embedding import TEXT, centred_query
from indexer.library.library import Library
from indexer.vectors.nearest import scores
from indexer.vectors.scoring import CentredIndex
from search import Answer, Query, Searcher

SHARES = (0.0001, 0.001, 0.01, 0.1, 0.5, 1.0)
HITS, PAGES = 20, 10


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pictures", type=click.IntRange(1000), default=100_000, show_default=True)
@click.option("--repeat", type=click.IntRange(1), default=10, show_default=True)
def main(pictures: int, repeat: int) -> None:
    """Compare filtered answers with brute force, and time them."""
    with Library.open(many_pictures(pictures), read_only=True, offline=True) as opened:
        opened.use_encoder(RememberedTexts(opened.encoder, QUESTIONS))  # type: ignore[arg-type]
        searcher, brute = Searcher(opened), BruteForce(opened)
        click.echo("share that passes  pictures   right    query  times one without a condition")
        for share in SHARES:
            largest = max(1, round(share * pictures))
            _compare(searcher, brute, largest, share, repeat)
        _turn_pages(searcher)


class BruteForce:
    """The scores of all pictures for each question, by their numbers from 1."""

    def __init__(self, library: Library) -> None:
        stored = CentredIndex.in_index(library.vectors(), library.encoder.means)
        rows = library.encoder.encode_texts(QUESTIONS)
        asked = centred_query(rows, TEXT, stored.centres.means)
        ids = stored.index.picture_ids.tolist()
        shown = library.catalogue.pictures(ids)
        self._sizes = np.array([int(shown[key].path.stem) + 1 for key in ids])  # by their names
        self._scores = dict(zip(QUESTIONS, scores(stored, asked, library.weight), strict=True))

    def best(self, question: str, largest: int) -> NDArray[np.float32]:
        """The best scores of the pictures of at most `largest` bytes."""
        passing: NDArray[np.float32] = self._scores[question][self._sizes <= largest]
        return np.sort(passing)[::-1][:HITS]


def _compare(
    searcher: Searcher, brute: BruteForce, largest: int, share: float, repeat: int
) -> None:
    """Print the share of right answers, and the cost of one."""
    right, times, ratios = [], [], []
    for number in range(-len(QUESTIONS), repeat):
        question = QUESTIONS[number % len(QUESTIONS)]
        plain, _ = _timed(partial(searcher.search, Query.of(question), k=HITS, fold=False))
        where = f"size <= {largest} B"
        ask = partial(searcher.search, Query.of(question), k=HITS, fold=False, where=where)
        took, answer = _timed(ask)
        expected = brute.best(question, largest)
        found = np.array([hit.score for hit in answer.hits])
        right.append(len(found) == len(expected) and np.allclose(found, expected, atol=1e-5))
        if number >= 0:  # those before only warm up
            times.append(took)
            ratios.append(took / plain)
    took, ratio = 1000 * statistics.median(times), statistics.median(ratios)
    click.echo(f"{share:18.2%}  {largest:8,}  {np.mean(right):6.0%}  {took:4.0f} ms  {ratio:.2f}")


def _turn_pages(searcher: Searcher) -> None:
    """Print how many pictures the pages of an answer repeat or leave out."""
    query = Query.of(QUESTIONS[0])
    whole = [hit.picture_id for hit in searcher.search(query, k=HITS * PAGES).hits]
    seen: list[int] = []
    offset: int | None = 0
    for _ in range(PAGES):
        answer = searcher.search(query, k=HITS, offset=offset or 0)
        seen += [hit.picture_id for hit in answer.hits]
        offset = answer.next_offset
    repeated = len(seen) - len(set(seen))
    click.echo(f"{PAGES} pages of {HITS}: {repeated} repeated, {len({*whole} - {*seen})} left out")


def _timed(ask: Callable[[], Answer]) -> tuple[float, Answer]:
    start = time.perf_counter()
    answer = ask()
    return time.perf_counter() - start, answer


if __name__ == "__main__":
    main()
