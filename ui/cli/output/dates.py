"""Output about dates of a condition that could be read in another order."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from ui.cli.output.text import terminal_safe, valid

if TYPE_CHECKING:
    from search.where.readings import DateReading


def dates_of(where: str | None, date_order: str) -> list[DateReading]:
    """The dates of a condition that could be read in another way; imported with the first one."""
    if where is None:
        return []
    found: list[DateReading] = import_module("search.where").ambiguous_dates(
        where, date_order=date_order
    )
    return found


def date_fields(dates: Sequence[DateReading]) -> dict[str, Any]:
    """The JSON field of ambiguous dates; empty if there are none."""
    listed = [{"text": valid(one.text), "read_as": one.day.date().isoformat()} for one in dates]
    return {"dates": listed} if listed else {}


def say_dates(dates: Sequence[DateReading]) -> None:
    """Print how ambiguous dates were read."""
    for one in dates:
        click.echo(
            f"picfuse: reading {terminal_safe(one.text)} as {one.meaning} (--date-order chooses)",
            err=True,
        )
