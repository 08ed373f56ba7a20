"""Progress bars on standard error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from indexer import IndexOptions, IndexReport, Library, Progress
from indexer.pipeline import index_progress
from ui.cli.ending import ended_by_signals


@contextmanager
def bar(description: str, total: int | None = None) -> Iterator[tuple[Bar, TaskID]]:
    """A bar with count, rate and time left; silent where standard error is no terminal."""
    console = Console(stderr=True)
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as progress:
        yield progress, progress.add_task(description, total=total, rate="")


def index_with_bar(
    library: Library, folders: Sequence[str | Path], options: IndexOptions, report: IndexReport
) -> None:
    """Index folders, showing how far it is. Raises `KeyboardInterrupt` after the batch at hand."""
    with (
        ended_by_signals() as ending,
        bar("looking at the folders") as (progress, task),
        closing(index_progress(library, folders, options, report)) as steps,
    ):
        for step in steps:
            advance(progress, task, step)
            progress.update(task, description="indexing")
            ending.patient = True  # before, nothing was begun that would want to be finished
            if ending.is_asked_for():
                raise KeyboardInterrupt(ending.status)


def advance(progress: Bar, task: TaskID, step: Progress) -> None:
    """Show how far it is, and how fast it goes."""
    speed = progress.tasks[task].speed
    rate = f"{speed:.0f} pictures/s" if speed else ""
    progress.update(task, completed=step.done, total=step.total, rate=rate)
