"""The bar itself: drawn by rich, which is imported only where somebody sees it."""

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
    """A bar with count, rate (so many of the unit a second) and time left."""
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
