"""The progress bar, drawn by rich; imported only if standard error is a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar

from indexer import Progress
from ui.cli.progress import Show


@contextmanager
def drawn_bar(description: str, unit: str) -> Iterator[Show]:
    """A bar with the count, the rate (in units per second) and the time left."""
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
