"""Progress on standard error."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Protocol, TypeVar

from indexer import Progress
from indexer.pipeline.indexing import IndexSteps
from ui.exits import ended_by_signals

T = TypeVar("T")


class Show(Protocol):
    """Shows progress, and a new label if `what` is given."""

    def __call__(self, step: Progress, what: str | None = None) -> None: ...


@contextmanager
def drawn_bar(description: str, unit: str) -> Iterator[Show]:
    """A bar, drawn by rich, with the count, the rate (in units per second) and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        task = progress.add_task(description, total=None, rate="")

        def show(step: Progress, what: str | None = None) -> None:
            speed = progress.tasks[task].speed
            rate = f"{speed:,.0f} {unit}/s" if speed else ""
            progress.update(task, completed=step.done, total=step.total, rate=rate)
            if what is not None:
                progress.update(task, description=what)

        yield show


@contextmanager
def bar(description: str, unit: str = "pictures") -> Iterator[Show]:
    """A progress bar; none if standard error is not a terminal."""
    if sys.stderr.isatty():
        with drawn_bar(description, unit) as show:
            yield show
    else:
        yield _nothing


def _nothing(step: Progress, what: str | None = None) -> None:
    """Show nothing."""


def with_bar(steps: Generator[Progress, None, T], description: str, unit: str = "pictures") -> T:
    """Run the steps with a bar; returns their result."""
    with bar(description, unit) as show, closing(steps):
        while True:
            try:
                show(next(steps))
            except StopIteration as end:
                value: T = end.value
                return value


class Steps(Protocol):
    """Work in batches, each committed: closing it ends it between two of them."""

    def __iter__(self) -> Iterator[Progress]: ...
    def close(self) -> None:
        """End the work."""
        ...


def run_with_bar(run: Steps, first: str, then: str) -> None:
    """Do work with a bar, named `first` until it has begun, and `then` after that.

    Raises `KeyboardInterrupt` after the current batch.
    """
    with (
        ended_by_signals() as ending,
        bar(first) as show,
        closing(run),
    ):
        for step in run:
            show(step, step.what or then)
            ending.patient = True  # until now, nothing was begun that must be finished
            if ending.is_asked_for():
                raise KeyboardInterrupt(ending.status)


def index_with_bar(run: IndexSteps) -> None:
    """Do a run of indexing with a bar. Raises `KeyboardInterrupt` after the current batch."""
    run_with_bar(run, "scanning the folders", "indexing")
