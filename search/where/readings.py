"""Readings of dates that could mean another day elsewhere: 06/12/2019."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from indexer.settings import DATE_ORDERS
from search.where.grammar import Condition, Expression, Not, parse
from search.where.spans import DMY, span

_NUMERIC = re.compile(r"\d{1,4}([./-])\d{1,2}(?:\1\d{1,4})?\b")
_DATES = ("taken", "modified")


@dataclass(frozen=True, slots=True)
class DateReading:
    """A date as it is written in a condition, and the day that it is taken for."""

    text: str
    day: datetime

    @property
    def meaning(self) -> str:
        """The day in words, as in "6 December 2019"."""
        return f"{self.day.day} {calendar.month_name[self.day.month]} {self.day.year}"


def ambiguous_dates(
    text: str, *, date_order: str = DMY, now: datetime | None = None
) -> list[DateReading]:
    """The dates of a condition that another order of day, month and year would take for others.

    Raises `PlacedError` for a text that is no condition.
    """
    moment = now or datetime.now()
    dates = dict.fromkeys(_dates(parse(text)))
    return [found for date in dates if (found := _reading(date, date_order, moment)) is not None]


def _dates(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Condition):
        if expression.field in _DATES:
            for value in expression.values:
                yield from (part.strip() for part in value.split(".."))
    elif isinstance(expression, Not):
        yield from _dates(expression.part)
    else:
        for part in expression.parts:
            yield from _dates(part)


def _reading(date: str, date_order: str, now: datetime) -> DateReading | None:
    """The reading of a date; None if there is only one."""
    if not _NUMERIC.match(date):
        return None
    starts = {}
    for order in DATE_ORDERS:
        found = span(date, now, date_order=order)
        starts[order] = None if found is None else found.start
    day = starts[date_order]
    return None if day is None or not {*starts.values()} - {day, None} else DateReading(date, day)
