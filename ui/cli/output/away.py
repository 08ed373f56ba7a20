"""Output about pictures whose disk is not plugged in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from indexer.library.away import AwayFolder, away_folders, away_message
from indexer.library.searchable import Searchable
from ui.cli.output.text import path_fields, terminal_safe


def away_fields(library: Searchable) -> dict[str, Any]:
    """The JSON field of folders that are away; empty if there are none."""
    away = away_folders(library.catalogue)
    listed = [{**path_fields(folder.path), "pictures": folder.pictures} for folder in away]
    return {"away": listed} if listed else {}


def say_away(folders: Sequence[AwayFolder]) -> None:
    """Print a line for each folder that is away."""
    for folder in folders:
        place = terminal_safe(str(folder.path))
        click.echo(f"picfuse: {away_message(folder.pictures)}: {place}", err=True)
