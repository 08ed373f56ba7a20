"""Steps of all training commands: encode a data set, show epochs, name the output."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from indexer import IndexOptions, Library, Progress, indexing
from indexer.datasets.folder import read_split
from indexer.datasets.library import dataset_library
from ui.cli.output.progress import bar, index_with_bar
from ui.cli.output.text import terminal_safe


@contextmanager
def encoded(
    folder: Path, split: Path | None, captions: tuple[Path, ...], model: str, *, offline: bool
) -> Iterator[Library]:
    """A library with the embeddings of a data set, or of a split of it."""
    only = read_split(folder, split) if split else None
    with dataset_library(folder, only, encoder=model, offline=offline) as library:
        options = IndexOptions(captions, only=only)
        index_with_bar(indexing(library, folder, options=options))
        yield library


def follow(
    events: Iterable[Any], description: str, figures: Sequence[str], *, quiet: bool = False
) -> None:
    """Show the progress and parts of a training; unless `quiet`, these figures of each epoch."""
    with bar(description) as show:
        for event in events:
            if isinstance(event, Progress):
                show(event)
            elif isinstance(event, str):
                click.echo(f"training: {event}")
            elif not quiet:
                parts = (_figure(name, event.figures[name]) for name in figures)
                validation = ", ".join(parts)
                click.echo(f"epoch {event.number}: loss {event.loss:.3f}, validation {validation}")


def _figure(name: str, value: float) -> str:
    return f"{value:.3f}" if name == "loss" else f"{name} {value:.1f}"


def say_written(output: Path) -> None:
    """Print where the result of a training is."""
    written = f"{output} and {output.with_suffix('.json').name}"
    click.echo(f"written: {terminal_safe(written)}")
