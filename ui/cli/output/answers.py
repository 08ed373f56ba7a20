"""Answers with what concerns them: how dates were read, which folders are away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from indexer.library.searchable import Searchable
from ui.cli.output.away import away_fields
from ui.cli.output.dates import date_fields, dates_of
from ui.cli.output.text import answer_fields

if TYPE_CHECKING:
    from search import Answer


def complete_answer_fields(
    library: Searchable, answer: Answer, where: str | None, date_order: str
) -> dict[str, Any]:
    """The JSON fields of an answer to a search, on the command line and from the service."""
    dates = date_fields(dates_of(where, date_order))
    return {**answer_fields(answer), **dates, **away_fields(library)}
