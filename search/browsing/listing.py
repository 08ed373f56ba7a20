"""Lists: all pictures, or those of a folder or condition, in an order, as columns."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeAlias

from indexer.catalogue.values import PRESENT
from indexer.errors import InputError
from indexer.library.library import Library
from indexer.metadata.fields import shown_moment
from indexer.settings import DATE_ORDERS
from search.browsing.picked import album_ids

Row: TypeAlias = Sequence[Any]  # as `_QUERY` gives them
TAKEN, ADDED, NAME, FOLDER, ALBUM = "taken", "added", "name", "folder", "album"
_QUERY = """
    SELECT p.id, p.content_hash, p.width, p.height, p.taken, p.taken_last, f.path, p.relative
    FROM pictures p JOIN folders f ON f.id = p.folder_id WHERE p.state = ? ORDER BY {}"""
_SQL = {  # orders, and the same reversed
    (TAKEN, False): "p.taken IS NULL, p.taken DESC, p.mtime_ns DESC, p.id",
    (TAKEN, True): "p.taken IS NULL, p.taken, p.mtime_ns, p.id DESC",
    (ADDED, False): "p.id DESC",
    (ADDED, True): "p.id",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """Pictures to list, and their order.

    `order`: taken (newest first; without a date last, by file time), added (newest first), name,
    folder, or album (as it was arranged). `where` is a condition of `--where`, `folder` the path of
    a folder, `album` the name of an album of picked pictures.
    """

    order: str = TAKEN
    reverse: bool = False
    where: str = ""
    folder: str = ""
    album: str = ""
    date_order: str = DATE_ORDERS[0]

    @property
    def condition(self) -> str:
        """All conditions as one; empty for none."""
        folder = f"folder: {quoted(self.folder)}" if self.folder else ""
        if folder and self.where:
            return f"({self.where}) and {folder}"
        return folder or self.where


@dataclass(frozen=True, slots=True)
class Columns:
    """Pictures in an order, column by column.

    `hashes` are hexadecimal; `aspects` width by height, 1 where it is unknown; `days` such as
    "2021-05-03", "2021-05" and "2021", None where nothing is known.
    """

    ids: list[int]
    hashes: list[str]
    aspects: list[float]
    days: list[str | None]


def quoted(value: str) -> str:
    """A value of `--where` in quotes."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def columns(library: Library, listing: Listing) -> Columns:
    """The present pictures of a list. Raises `InputError` for an unknown order or condition."""
    if listing.date_order not in DATE_ORDERS:
        raise InputError(f"dates: {listing.date_order!r} is none of {', '.join(DATE_ORDERS)}")
    rows = _of_album(library, listing) if listing.album else _ordered(library, listing)
    if listing.condition:
        language = import_module("search.where")
        found = language.matches(library, listing.condition, date_order=listing.date_order)
        wanted = set(found.tolist())
        rows = [row for row in rows if row[0] in wanted]
    return Columns(
        [row[0] for row in rows],
        [(row[1] or b"").hex() for row in rows],
        [round(row[2] / row[3], 3) if row[2] and row[3] else 1 for row in rows],
        [row[4] and (row[4][:10] if row[5] is None else _day(row[4], row[5])) for row in rows],
    )


def _of_album(library: Library, listing: Listing) -> list[Row]:
    """The rows of an album; in its own order if that is wanted."""
    ids = album_ids(library, listing.album)
    if listing.order != ALBUM:
        wanted = set(ids)
        return [row for row in _ordered(library, listing) if row[0] in wanted]
    rows = {row[0]: row for row in library.catalogue.rows(_QUERY.format("p.id"), PRESENT)}
    ordered = [rows[key] for key in ids if key in rows]
    return ordered[::-1] if listing.reverse else ordered


def _ordered(library: Library, listing: Listing) -> list[Row]:
    sql = _SQL.get((listing.order, listing.reverse))
    if sql is not None:
        return library.catalogue.rows(_QUERY.format(sql), PRESENT)
    key = _KEYS.get(listing.order)
    if key is None:
        known = ", ".join(dict.fromkeys([TAKEN, ADDED, *_KEYS]))
        raise InputError(
            f"order: {listing.order!r} is none of {known}; an album has its own, album"
        )
    rows = library.catalogue.rows(_QUERY.format("p.id"), PRESENT)
    return sorted(rows, key=key, reverse=listing.reverse)


def _by_name(row: Row) -> tuple[str, str]:
    folder, _, name = os.fsdecode(row[7]).rpartition("/")
    return name.casefold(), folder


def _by_folder(row: Row) -> tuple[str, str, str]:
    folder, _, name = os.fsdecode(row[7]).rpartition("/")
    return os.fsdecode(row[6]).casefold(), folder.casefold(), name.casefold()


_KEYS: dict[str, Callable[[Row], Any]] = {NAME: _by_name, FOLDER: _by_folder}


def _day(first: str, last: str) -> str:
    """The day, month or year in which a span begins, as far as it is known."""
    return shown_moment(first, last).partition("..")[0][:10]
