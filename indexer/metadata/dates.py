"""Dates as programs write them, in whatever shape; a date that is known in part is a span."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta

_OLDEST, _LATEST = 1500, 2100  # years; anything else is a mistake
_SHORTEST, _LONGEST = 4, 60  # characters of a date
_EPOCHS = (datetime(1970, 1, 1), datetime(1904, 1, 1))  # a clock that counts from nothing
_TIME = (
    r"(?:(?:\s*T\s*|[\s_,]+(?:at\s+)?)(?P<hour>\d{1,2})\s*[:.h-]\s*(?P<minute>\d{1,2})"
    r"(?:\s*[:.-]\s*(?P<second>\d{1,2}))?(?:[.,]\d+)?\s*(?P<half>[ap]\.?m\.?)?)?"
    r"\s*(?:[zZ]|UTC|GMT|[+-]\d{2}:?\d{2}(?::?\d{2})?|[+-]\d{2})?"
)
# Patterns stay texts until they are used: an index run over unchanged files reads no date.
_SHAPES = tuple(
    shape + _TIME
    for shape in (
        r"(?P<year>\d{4})(?:\s*[-:/.年]\s*(?P<month>\d{0,2}))?(?:\s*[-:/.月]\s*(?P<day>\d{0,2})日?)?",
        r"(?P<day>\d{1,2})\s*\.\s*(?P<month>\d{1,2})\s*\.\s*(?P<year>\d{4})",
    )
)
_COMPACT = (
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
    r"(?:[T_ -]?(?P<hour>\d\d):?(?P<minute>\d\d):?(?P<second>\d\d)?)?(?:[.,]\d+)?"
    r"(?:[zZ]|[+-]\d{2}:?\d{2})?"
)
_UNORDERED = (
    r"(?P<first>\d{1,2})\s*(?P<sign>[/-])\s*(?P<other>\d{1,2})\s*(?P=sign)\s*(?P<year>\d{4})"
    + _TIME
)
_ABOUT = r"(?:c|ca|circa|about|around|~)?\.?\s*(?P<year>\d{4})\s*[?~]?"
_DECADE = r"(?:c|ca|circa|about|~)?\.?\s*(?P<year>\d{3}0)'?s"
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NAME = r"(?:[a-z]{3,9}\.?,?\s+)?(?P<name>[a-z]{3,9})\.?"
_IN_WORDS = (
    r"(?:[a-z]{3,9}\.?,?\s+)?(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?P<name>[a-z]{3,9})\.?,?"
    r"[\s-]+(?P<year>\d{4})" + _TIME,
    _NAME + r"\s+(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+)?(?P<year>\d{4})" + _TIME,
    _NAME + r"\s+(?P<day>\d{1,2})\s+(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)\s+"
    r"(?:[a-z]{2,5}\s+)?(?P<year>\d{4})",  # as C writes it
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A local time: known to the second, or a span from `first` to `last` second."""

    first: datetime
    last: datetime | None = None

    def __str__(self) -> str:
        """The first second, and behind a slash the last one if there is another."""
        first = self.first.isoformat()
        return first if self.last is None else f"{first}/{self.last.isoformat()}"

    @classmethod
    def of(cls, text: str) -> Moment:
        """The moment that `str` gave as a text."""
        first, _, last = text.partition("/")
        return cls(datetime.fromisoformat(first), datetime.fromisoformat(last) if last else None)

    @property
    def is_one_day(self) -> bool:
        """Whether it lies within one day."""
        return self.last is None or self.first.date() == self.last.date()

    def holds(self, other: Moment) -> bool:
        """Whether another moment tells more of this span: it lies in it and is shorter."""
        if self.last is None or other == self:
            return False
        return self.first <= other.first and (other.last or other.first) <= self.last


def moment_of(text: str) -> Moment | None:
    """The moment that a text names, as local time; None if it names none.

    The clock counts as it is written: an offset to UTC changes nothing. Zeros and blanks are
    unknown parts: "1985:07:00 00:00:00" is a month.
    """
    text = " ".join(text.replace("\0", " ").split()).rstrip(" :./-")
    if not _SHORTEST <= len(text) <= _LONGEST:
        return None
    for shape in (*_SHAPES, _COMPACT, _ABOUT):
        if match := re.fullmatch(shape, text, re.I):
            return _of_parts(match.groupdict())
    if match := re.fullmatch(_UNORDERED, text, re.I):
        return _of_parts(_ordered(match.groupdict()))
    if match := re.fullmatch(_DECADE, text, re.I):
        return years(int(match["year"]), int(match["year"]) + 9)
    return _in_words(text)


def years(first: int, last: int) -> Moment | None:
    """The span from the start of one year to the end of another; None if there is none."""
    if not _OLDEST <= first <= last <= _LATEST:
        return None
    return Moment(datetime(first, 1, 1), datetime(last, 12, 31, 23, 59, 59))


def date_of(year: int, month: int = 0, day: int = 0) -> Moment | None:
    """The day, month or year in numbers; 0 stands for an unknown one.

    None for a date that no calendar has.
    """
    if not _OLDEST <= year <= _LATEST or month > 12 or (day and not month):
        return None
    if not month:
        return years(year, year)
    last = monthrange(year, month)[1]
    if day > last:
        return None
    first_day, last_day = (day, day) if day else (1, last)
    return Moment(datetime(year, month, first_day), datetime(year, month, last_day, 23, 59, 59))


def time_of(day: Moment, hour: int, minute: int, second: int | None) -> Moment | None:
    """A time on a day; without a second, the whole minute. None if no clock shows it."""
    if hour > 24 or minute > 59 or (hour == 24 and (minute or second)):
        return None
    # Midnight may be written as 24:00, and a leap second as 60.
    time = day.first + timedelta(hours=hour, minutes=minute, seconds=min(second or 0, 59))
    if time in _EPOCHS:
        return None
    return Moment(time, None if second is not None else time + timedelta(seconds=59))


def _of_parts(parts: dict[str, str | None]) -> Moment | None:
    year, month, day = (int(parts.get(name) or 0) for name in ("year", "month", "day"))
    date = date_of(year, month, day)
    if date is None or not parts.get("hour") or not date.is_one_day:
        return date
    hour = on_24_hours(int(parts["hour"] or 0), parts.get("half"))
    second = parts.get("second")
    exact = time_of(date, hour, int(parts["minute"] or 0), None if second is None else int(second))
    return exact if exact is not None or date.first in _EPOCHS else date


def on_24_hours(hour: int, half: str | None) -> int:
    """The hour of a clock that may show only half of the day; `half` begins with "a" or "p"."""
    if not half or hour > 12:
        return hour
    return hour % 12 + (12 if half.lower().startswith("p") else 0)


def _ordered(parts: dict[str, str | None]) -> dict[str, str | None]:
    """Day and month where only one order is possible, or a 12-hour clock tells it; else neither."""
    first, other = int(parts["first"] or 0), int(parts["other"] or 0)
    if first > 12 >= other:
        return parts | {"day": parts["first"], "month": parts["other"]}
    if other > 12 >= first or (parts.get("half") and first <= 12):
        return parts | {"month": parts["first"], "day": parts["other"]}
    return parts | {"hour": None}


def _in_words(text: str) -> Moment | None:
    """A date with the name of its month: "Sun, 07 Jun 2015 08:09:10 GMT", "June 7, 2015"."""
    for shape in _IN_WORDS:
        match = re.fullmatch(shape, text, re.I)
        if match and (month := month_named(match["name"])):
            return _of_parts(match.groupdict() | {"month": str(month)})
    return None


def month_named(name: str) -> int:
    """The number of a month by its English name or the beginning of it; 0 for another word."""
    name = name.lower().rstrip(".")
    return next(
        (n for n, month in enumerate(MONTHS, 1) if len(name) > 2 and month.startswith(name)), 0
    )
