"""The comparisons: indexing, an update that finds nothing new, cold queries, warm queries."""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click
import numpy as np
from fixtures.tiny_pictures import make_pictures

from contest.contestants import Contestant
from contest.pictures import link_photographs, random_rows
from contest.processes import Memory, Run, run
from contest.report import OWN, Figure, ratios, table

T = TypeVar("T")
WARM_UP = 8  # pictures of an uncounted run
QUERIES = (
    "two dogs playing in the snow",
    "a red car in front of a house",
    "children on a beach at sunset",
    "a man with a guitar",
    "flowers on a table by the window",
)


@dataclass(frozen=True, slots=True)
class Contest:
    """The contestants, the folder of their libraries, and the number of rounds."""

    contestants: Sequence[Contestant]
    room: Path
    rounds: int

    def in_turn(self, measure: Callable[[Contestant, int], T]) -> dict[str, list[T]]:
        """Measure each contestant in each round; each round begins with another contestant."""
        found: dict[str, list[T]] = {contestant.name: [] for contestant in self.contestants}
        for number in range(self.rounds):
            first = number % len(self.contestants)
            for contestant in (*self.contestants[first:], *self.contestants[:first]):
                found[contestant.name].append(measure(contestant, number))
        return found

    def library(self, contestant: Contestant, name: str) -> Path:
        """The folder of a new library."""
        library = self.room / f"{contestant.name}-{name}"
        contestant.prepare(library)
        return library


@dataclass(frozen=True, slots=True)
class FilledLibraries:
    """The same pictures, with the same random rows, in a library of each contestant."""

    pictures: Path
    libraries: dict[str, Path]
    count: int


def compare_indexing(contest: Contest, pictures: Path, figure: Figure) -> None:
    """Time processes that index into a fresh library, after one that indexes a few pictures."""
    files = sorted(pictures.iterdir())
    few = pictures.with_name(f"{pictures.name}-few")
    link_photographs(files[:WARM_UP], few)
    for contestant in contest.contestants:
        run(contestant.index(few, contest.library(contestant, few.name)))

    def index(contestant: Contestant, number: int) -> float:
        library = contest.library(contestant, f"{pictures.name}-{number}")
        return len(files) / run(contestant.index(pictures, library)).seconds

    found = contest.in_turn(index)
    megapixels = f"{len(files)} photographs ({pictures.name})"
    table(f"indexing {megapixels}: pictures a second", found)
    ratios(found, figure)
    _compare_rows(contest, pictures, len(files))


def _compare_rows(contest: Contest, pictures: Path, count: int) -> None:
    """Print how similar the contestants' rows of the same pictures are.

    Raises `ClickException` if pictures are missing, or if a row is nearest to the row of a
    different picture: then the contestants did not do the same work.
    """
    rows = {}
    for contestant in contest.contestants:
        file = contest.room / f"{contestant.name}-{pictures.name}.npz"
        run(contestant.rows(pictures, contest.room / f"{contestant.name}-{pictures.name}-0", file))
        with np.load(file) as kept:
            rows[contestant.name] = kept["rows"][np.argsort(kept["paths"])]
    own = rows.pop(OWN)
    for name, others in rows.items():
        if len(own) != count or len(others) != count:
            raise click.ClickException(f"of {count} pictures, {len(own)} and {len(others)} kept")
        cosines = others @ own.T
        if (cosines.argmax(axis=1) != np.arange(count)).any():
            raise click.ClickException(f"rows of {name} are not those of {OWN}")
        same = cosines.diagonal()
        click.echo(
            f"rows of {name} and {OWN}: cosine {np.median(same):.4f} in the median, at least "
            f"{same.min():.4f}; of different pictures {np.median(cosines):.2f}"
        )


def fill_libraries(contest: Contest, count: int) -> FilledLibraries:
    """Store the same random rows for many tiny pictures directly in a library of each."""
    pictures, rows = contest.room / "many", contest.room / "rows.npy"
    make_pictures(pictures, count)
    np.save(rows, random_rows(count))
    libraries = {}
    for contestant in contest.contestants:
        libraries[contestant.name] = contest.library(contestant, "many")
        run(contestant.fill(pictures, libraries[contestant.name], rows))
    return FilledLibraries(pictures, libraries, count)


def compare_updates(contest: Contest, filled: FilledLibraries) -> None:
    """Time processes that check for changes and find none."""
    able = [one for one in contest.contestants if one.update(filled.pictures, contest.room)]
    contest = Contest(able, contest.room, contest.rounds)

    def update(contestant: Contestant, number: int) -> float:
        command = contestant.update(filled.pictures, filled.libraries[contestant.name])
        assert command is not None
        done = run(command)
        if contestant.name == OWN and json.loads(done.output)["unchanged"] != filled.count:
            raise click.ClickException(f"not all pictures were unchanged: {done.output}")
        return done.seconds

    contest.in_turn(update)  # only warms the caches
    found = contest.in_turn(update)
    table(f"nothing new among {filled.count} pictures: seconds", found)
    ratios(found)


def compare_cold(contest: Contest, filled: FilledLibraries) -> None:
    """Time processes that answer one query; only the system's file cache is warm."""

    def ask(contestant: Contestant, number: int) -> Run:
        library = filled.libraries[contestant.name]
        query = QUERIES[number % len(QUERIES)]
        return run(contestant.ask(filled.pictures, library, query), watch=True)

    contest.in_turn(ask)  # only warms the caches
    found = contest.in_turn(ask)
    seconds = {name: [one.seconds for one in runs] for name, runs in found.items()}
    table(f"cold query over {filled.count} pictures: seconds", seconds)
    ratios(seconds, Figure("rclip", 0.25, least=False))
    _compare_memory({name: [one.memory for one in runs] for name, runs in found.items()})
    _compare_hits({name: runs[0].output for name, runs in found.items()})


def _compare_memory(found: Mapping[str, Sequence[Memory]]) -> None:
    """Print the peaks, if measured: this needs /proc (Linux), and a process that lasts a while."""
    if not all(peak.anonymous for peaks in found.values() for peak in peaks):
        click.echo("\nmemory was not measured")
        return
    total = {name: [peak.total / 1e6 for peak in peaks] for name, peaks in found.items()}
    table("its peak memory, anonymous and mapped: MB", total, digits=0)
    ratios(total, Figure("rclip", 0.33, least=False))
    anonymous = {name: [peak.anonymous / 1e6 for peak in peaks] for name, peaks in found.items()}
    table("of that anonymous: MB", anonymous, digits=0)
    ratios(anonymous)


def _compare_hits(outputs: dict[str, str]) -> None:
    """Print how many hits each peer shares with picfuse, which centres its queries.

    Raises `ClickException` if it shares none: then they did not answer the same query.
    """
    hits = {name: set(re.findall(r"\d+\.png", output)) for name, output in outputs.items()}
    own = hits.pop(OWN)
    for name, others in hits.items():
        if not own & others:
            raise click.ClickException(f"no hit of {name} is one of {OWN}")
        click.echo(f"hits of {name} and {OWN}: {len(own & others)} of {len(own)} are the same")


def compare_warm(contest: Contest, filled: FilledLibraries) -> None:
    """Time queries of a process that has answered one already, including the text encoder."""

    def ask(contestant: Contestant, number: int) -> float:
        library = filled.libraries[contestant.name]
        done = run(contestant.warm(filled.pictures, library, QUERIES))
        return 1000 * float(statistics.median(json.loads(done.output)))

    found = contest.in_turn(ask)
    table(f"warm query over {filled.count} pictures: milliseconds", found, digits=1)
    ratios(found)
