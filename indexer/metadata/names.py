"""Dates in the names of files and folders, as cameras, phones and people write them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

from indexer.metadata.dates import (
    MONTHS,
    Moment,
    date_of,
    month_named,
    on_24_hours,
    time_of,
    years,
)
from indexer.metadata.fact import Fact

FILE, FOLDER = "file name", "folder name"
_YEAR = r"(?P<year>(?:19|20)\d\d)"
_MONTH_NAMES = "|".join(
    sorted({"sept", *MONTHS, *(month[:3] for month in MONTHS)}, key=len, reverse=True)
)
# "WhatsApp Image 2015-06-07 at 8.09.10 PM", "IMG_20150607_080910", "2015-06-07 08.09.10"
_CLOCK = (
    r"(?:(?:[T_\s-]+(?:at|um|à|alle|om)?\s*|\s*,\s*)(?P<hour>[0-2]?\d)(?P<colon>[-_.:h∶]?)(?P<minute>[0-5]\d)"
    r"(?:(?P=colon)(?P<second>[0-5]\d))?(?P<rest>\d{1,6})?(?:\s*(?P<half>[ap]\.?m)\b)?(?!\d))?"
)
# Patterns stay texts until they are used, as in dates.py.
_DAYS = (
    rf"(?<!\d){_YEAR}(?P<sign>[-_. :]?)(?P<month>[01]\d)(?P=sign)(?P<day>[0-3]\d)(?!\d)" + _CLOCK,
    rf"(?<!\d){_YEAR}(?P<month>[01]\d)(?P<day>[0-3]\d)"
    r"(?P<hour>[0-2]\d)(?P<minute>[0-5]\d)(?P<second>[0-5]\d)(?!\d)",
    rf"(?<!\d){_YEAR}年\s*(?P<month>1?\d)月\s*(?P<day>[1-3]?\d)日",
    rf"(?<!\d)(?P<day>[0-3]?\d)\.(?P<month>[01]?\d)\.{_YEAR}(?!\d)" + _CLOCK,
)
_UNORDERED = rf"(?<!\d)(?P<one>\d\d)(?P<sign>[-_ ])(?P<other>\d\d)(?P=sign){_YEAR}(?!\d)"
_NAMED_MONTH = (
    rf"(?<![^\W_])(?:(?P<day>[0-3]?\d)(?:st|nd|rd|th)?[\s._-]+)?(?P<month>{_MONTH_NAMES})"
    rf"[\s._,'-]*(?:(?P<late>[0-3]?\d)(?:st|nd|rd|th)?[\s._,-]+)?{_YEAR}(?!\d)"
)
_YEAR_AND_NAME = (
    rf"(?<!\d){_YEAR}[\s._,-]+(?:[01]?\d[\s._-]+)?(?P<month>{_MONTH_NAMES})(?![^\W\d_])"
)
_MONTH = rf"(?<![\d.-]){_YEAR}[-_.](?P<month>0[1-9]|1[0-2])(?![\d])(?!-\d)"
_YEARS = rf"(?<![^\W_]){_YEAR}\s*(?:-|–|to|bis)\s*(?P<until>(?:19|20)\d\d|\d\d)(?![^\W_])"
_DECADE = r"(?<![^\W_])(?P<year>(?:19|20)\d0)'?s(?![^\W_])"
_ONE_YEAR = rf"(?<![^\W_]){_YEAR}(?![^\W_])"
_EPOCH = r"(?<!\d)(?P<seconds>1[0-9]{9})\d{3}(?!\d)"  # milliseconds, from 2001 to 2033
# A number behind one of these words counts the pictures of a camera: IMG_2015.jpg.
_COUNTED = (
    r"(?<![^\W\d_])(?:img|dsc[nf]?|p|pict?|mvi|sam|gopr|cimg|imgp|mg|hpim|image|photo|picture|bild"
    r"|foto|scan|screenshot|file|untitled|no|nr|page|frame|f)[\s_#.()-]*$"
)
_SIZE_BEFORE, _SIZE = r"\d\s*[x×]\s*$", r"\s*(?:x\s*\d|px|p\b|×)"
_WORD = r"[^\W\d_]{3,}"
_PART_OF_A_DATE = r"(?P<number>\d\d?)(?=\D|$)"


def name_facts(folder: bytes, relative: bytes) -> Iterator[Fact]:
    """The dates in the name of a picture and in those of its folders, the nearest first.

    Of the indexed folder only its own name counts, not the folders above it.
    """
    path = (os.path.basename(os.path.normpath(folder)) + b"/" + relative).decode("utf-8", "replace")
    *folders, name = path.split("/")
    if (moment := _of_file(os.path.splitext(name)[0])) is not None:
        yield Fact("taken", str(moment), FILE)
    if (moment := _of_folders(tuple(folders))) is not None:
        yield Fact("taken", str(moment), FOLDER)


def _of_file(name: str) -> Moment | None:
    return _day(name) or _of_epoch(name) or _month(name) or _year(name, is_file=True)


@lru_cache(maxsize=256)
def _of_folders(folders: tuple[str, ...]) -> Moment | None:
    """The date of the nearest folder that has one; "08" in "2019" is a month, "15" in it a day."""
    for place in range(len(folders) - 1, -1, -1):
        name = folders[place]
        moment = _day(name) or _month(name) or _nested(folders[: place + 1]) or _year(name)
        if moment is not None:
            return moment
    return None


def _nested(folders: tuple[str, ...]) -> Moment | None:
    numbers: list[int] = []
    for name in folders[::-1]:
        if re.fullmatch(r"(?:19|20)\d\d", name):
            return date_of(int(name), *numbers[::-1][:2]) if numbers else None
        found = re.match(_PART_OF_A_DATE, name)
        if found is None or len(numbers) == 2:
            return None
        numbers.append(int(found["number"]))
    return None


def _day(name: str) -> Moment | None:
    for shape in _DAYS:
        for match in re.finditer(shape, name, re.I):
            if (moment := _exact(match)) is not None:
                return moment
    for match in re.finditer(_UNORDERED, name):
        one, other = int(match["one"]), int(match["other"])
        if one > 12 >= other or other > 12 >= one:
            return _sound(int(match["year"]), *((other, one) if one > 12 else (one, other)))
    return None


def _exact(match: re.Match[str]) -> Moment | None:
    """A day and its time; None for numbers that are no date."""
    day = _sound(*(int(match[name]) for name in ("year", "month", "day")))
    parts = match.groupdict()
    if day is None or not parts.get("hour"):
        return day
    half, second = parts.get("half"), parts.get("second")
    hour = on_24_hours(int(parts["hour"] or 0), half)
    if (
        not half and second is None and not parts.get("colon")
    ):  # "2015-06-07 0012.jpg" counts pictures
        return day
    return (
        time_of(day, hour, int(parts["minute"] or 0), None if second is None else int(second))
        or day
    )


def _sound(year: int, month: int, day: int) -> Moment | None:
    """A day of the calendar; None if there is none."""
    moment = date_of(year, month, day)
    return moment if moment is not None and moment.is_one_day else None


def _of_epoch(name: str) -> Moment | None:
    """Milliseconds since 1970, as some apps call what they save; UTC."""
    match = re.search(_EPOCH, name)
    if match is None:
        return None
    return Moment(datetime.fromtimestamp(int(match["seconds"]), UTC).replace(tzinfo=None))


def _month(name: str) -> Moment | None:
    for shape in (_NAMED_MONTH, _YEAR_AND_NAME):
        if match := re.search(shape, name, re.I):
            parts = match.groupdict()
            month = month_named(match["month"])
            return date_of(
                int(match["year"]), month, int(parts.get("day") or parts.get("late") or 0)
            )
    if match := re.search(_MONTH, name):
        return date_of(int(match["year"]), int(match["month"]))
    return None


def _year(name: str, *, is_file: bool = False) -> Moment | None:
    """The years of a name; in that of a file, a number alone or of a series is none."""
    if match := re.search(_YEARS, name):
        first = int(match["year"])
        until = match["until"]
        last = int(until) if len(until) == 4 else first // 100 * 100 + int(until)
        if first < last and not (is_file and _is_counted(name, match)):
            return years(first, last)
    if match := re.search(_DECADE, name):
        return years(int(match["year"]), int(match["year"]) + 9)
    for match in re.finditer(_ONE_YEAR, name):
        if not (is_file and _is_counted(name, match)):
            return years(int(match["year"]), int(match["year"]))
    return None


def _is_counted(name: str, match: re.Match[str]) -> bool:
    """Whether a number that looks like a year counts pictures or pixels."""
    before, after = name[: match.start()], name[match.end() :]
    if re.search(_SIZE_BEFORE, before, re.I) or re.match(_SIZE, after, re.I):
        return True
    return bool(re.search(_COUNTED, before, re.I)) or not re.search(_WORD, f"{before} {after}")
