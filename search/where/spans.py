"""Spans of time in everyday words: "last winter", "may 2021", "2019..2021", "3 days ago"."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

from indexer.settings import DATE_ORDERS

_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}  # of the north
_SEASON = re.compile(
    rf"(?:(?P<which>last|this)\s+)?(?P<season>{'|'.join(_SEASONS)})(?:\s+(?P<year>\d{{4}}))?"
)
_WEEKEND = re.compile(r"(last|this) weekend")
_WEEK = re.compile(r"(last|this) week")
_YEAR = re.compile(r"\d{4}")
_YEAR_FIRST = re.compile(r"\d{4}[./-]\d{1,2}[./-]\d{1,2}\b.*")
DMY, _, YMD = DATE_ORDERS


@dataclass(frozen=True, slots=True)
class Span:
    """Local times from `start` up to, but without, `end`; None for an open end."""

    start: datetime | None
    end: datetime | None


def span(text: str, now: datetime, *, date_order: str = DMY) -> Span | None:
    """The span of time that a text names, as seen from `now`; None if it names none.

    Seasons are those of the northern hemisphere, and a winter belongs to the year in which it
    begins. A text without a year names the last span that has begun. `date_order`: how 06/12/2019
    is read; a date that begins with four digits is always year, month, day.
    """
    text = " ".join(text.lower().split())
    if ".." in text:
        first, last = text.split("..", 1)
        return _between(first, last, now, date_order)
    return _season(text, now) or _week(text, now) or _dated(text, now, date_order)


def _between(first: str, last: str, now: datetime, date_order: str) -> Span | None:
    """The span of `A..B`: from the start of A to the end of B; one of them may be missing."""
    start, end = (
        span(part, now, date_order=date_order) if part.strip() else Span(None, None)
        for part in (first, last)
    )
    if start is None or end is None or not (first.strip() or last.strip()):
        return None
    if start.start and end.end and start.start >= end.end:
        return None
    return Span(start.start, end.end)


def _season(text: str, now: datetime) -> Span | None:
    match = _SEASON.fullmatch(text)
    if not match:
        return None
    month = _SEASONS[match["season"]]
    if match["year"]:
        return _months(int(match["year"]), month, 3)
    span = _months(now.year + 1, month, 3)
    while not _has_begun(span, now, over=match["which"] == "last"):
        year = (span.start or now).year
        span = _months(year - 1, month, 3)
    return span


def _has_begun(span: Span, now: datetime, *, over: bool) -> bool:
    """Whether a span has begun, or with `over`, has ended: last winter is not the present one."""
    reached = span.end if over else span.start
    return reached is not None and reached <= now


def _week(text: str, now: datetime) -> Span | None:
    """The span of a week, which begins on Monday, or of a weekend, Saturday and Sunday."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())
    if match := _WEEK.fullmatch(text):
        start = monday - timedelta(days=7 if match[1] == "last" else 0)
        return Span(start, start + timedelta(days=7))
    if match := _WEEKEND.fullmatch(text):
        saturday = monday + timedelta(days=5)
        if match[1] == "last" and saturday + timedelta(days=2) > now:
            saturday -= timedelta(days=7)
        return Span(saturday, saturday + timedelta(days=2))
    return None


def _dated(text: str, now: datetime, date_order: str) -> Span | None:
    """The span of a date by dateparser, which tells whether a day, month or year is meant."""
    if _YEAR.fullmatch(text):
        return _months(int(text), 1, 12) if int(text) else None
    order = YMD if _YEAR_FIRST.match(text) else date_order
    parsed = _parser(now, order).get_date_data(text)
    date: datetime | None = parsed.date_obj
    if date is None:
        return None
    date = date.replace(tzinfo=None, microsecond=0)
    if parsed.period == "year":
        return _months(date.year, 1, 12)
    if parsed.period == "month":
        return _months(date.year, date.month, 1)
    if parsed.period == "time" and ":" in text:
        date = date.replace(second=0)
        return Span(date, date + timedelta(minutes=1))
    day = date.replace(hour=0, minute=0, second=0)
    return Span(day, day + timedelta(days=1))


def _parser(now: datetime, date_order: str) -> Any:
    """Imports dateparser when a date is parsed, since it reads languages for 0.2 s."""
    settings = {
        "DATE_ORDER": date_order,
        "PREFER_DATES_FROM": "past",
        "PREFER_DAY_OF_MONTH": "first",
        "PREFER_MONTH_OF_YEAR": "first",
        "RELATIVE_BASE": now,
        "RETURN_TIME_AS_PERIOD": True,
    }
    module = import_module("dateparser.date")
    return module.DateDataParser(languages=["en"], settings=settings)


def _months(year: int, month: int, count: int) -> Span:
    """The span of `count` months from the first day of a month."""
    start = datetime(year, month, 1)
    end = start
    for _ in range(count):
        end += timedelta(days=calendar.monthrange(end.year, end.month)[1])
    return Span(start, end)
