"""Spans of time, as people say them: "last winter", "may 2021", "2019..2021", "3 days ago"."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # of the north
_SEASON = re.compile(
    rf"(?:(?P<which>last|this)\s+)?(?P<season>{'|'.join(_SEASONS)})(?:\s+(?P<year>\d{{4}}))?"
)
_WEEKEND = re.compile(r"(last|this) weekend")
_WEEK = re.compile(r"(last|this) week")
_YEAR = re.compile(r"\d{4}")


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, but without, `end`: local times; None where it is open."""

    start: datetime | None
    end: datetime | None


def span(text: str, now: datetime) -> Span | None:
    """The time that a text names, seen from `now`; None when it names none.

    A season is that of the northern hemisphere, a winter that of the year in which it begins.
    Of what has no year, the last one that has begun.
    """
    said = " ".join(text.lower().split())
    if ".." in said:
        first, last = said.split("..", 1)
        return _between(first, last, now)
    return _season(said, now) or _week(said, now) or _dated(said, now)


def _between(first: str, last: str, now: datetime) -> Span | None:
    """`A..B`: from the start of A to the end of B; one of them may be left out."""
    start, end = (span(part, now) if part.strip() else Span(None, None) for part in (first, last))
    if start is None or end is None or not (first.strip() or last.strip()):
        return None
    if start.start and end.end and start.start >= end.end:
        return None
    return Span(start.start, end.end)


def _season(said: str, now: datetime) -> Span | None:
    found = _SEASON.fullmatch(said)
    if not found:
        return None
    month = _SEASONS[found["season"]]
    if found["year"]:
        return _months(int(found["year"]), month, 3)
    span = _months(now.year + 1, month, 3)
    while not _has_begun(span, now, over=found["which"] == "last"):
        year = (span.start or now).year
        span = _months(year - 1, month, 3)
    return span


def _has_begun(span: Span, now: datetime, *, over: bool) -> bool:
    """Whether a span has begun, or is over: last winter is not the one of now."""
    reached = span.end if over else span.start
    return reached is not None and reached <= now


def _week(said: str, now: datetime) -> Span | None:
    """Weeks begin on Monday; a weekend is Saturday and Sunday."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    if found := _WEEK.fullmatch(said):
        start = monday - timedelta(days=7 if found[1] == "last" else 0)
        return Span(start, start + timedelta(days=7))
    if found := _WEEKEND.fullmatch(said):
        saturday = monday + timedelta(days=5)
        if found[1] == "last" and saturday + timedelta(days=2) > now:
            saturday -= timedelta(days=7)
        return Span(saturday, saturday + timedelta(days=2))
    return None


def _dated(said: str, now: datetime) -> Span | None:
    """What dateparser knows of dates; it also tells whether a day, a month or a year was meant."""
    if _YEAR.fullmatch(said):
        return _months(int(said), 1, 12) if int(said) else None
    found = _parser(now).get_date_data(said)
    date: datetime | None = found.date_obj
    if date is None:
        return None
    date = date.replace(tzinfo=None, microsecond=0)
    if found.period == "year":
        return _months(date.year, 1, 12)
    if found.period == "month":
        return _months(date.year, date.month, 1)
    if found.period == "time" and ":" in said:
        date = date.replace(second=0)
        return Span(date, date + timedelta(minutes=1))
    day = date.replace(hour=0, minute=0, second=0)
    return Span(day, day + timedelta(days=1))


def _parser(now: datetime) -> Any:
    """Imported when a date is asked for: it reads its languages for some tenths of a second."""
    settings = {
        "DATE_ORDER": "DMY",
        "PREFER_DATES_FROM": "past",
        "PREFER_DAY_OF_MONTH": "first",
        "PREFER_MONTH_OF_YEAR": "first",
        "RELATIVE_BASE": now,
        "RETURN_TIME_AS_PERIOD": True,
    }
    module = import_module("dateparser.date")
    return module.DateDataParser(languages=["en"], settings=settings)


def _months(year: int, month: int, count: int) -> Span:
    """So many months from the first day of one."""
    start = datetime(year, month, 1)
    end = start
    for _ in range(count):
        end += timedelta(days=calendar.monthrange(end.year, end.month)[1])
    return Span(start, end)
