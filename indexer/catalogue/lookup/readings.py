"""The text that was read in pictures, in plain SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from indexer.catalogue.lookup.tables import Tables, full_path
from indexer.catalogue.values import PRESENT

UNUSED = "content_hash NOT IN (SELECT content_hash FROM pictures WHERE content_hash IS NOT NULL)"


@dataclass(frozen=True, slots=True)
class ReadingCounts:
    """Numbers of present pictures: those that were read, show text, and could not be read."""

    read: int
    shown: int
    failed: int


class ReadingLookup(Tables):
    """Read access to the text that was read in one library's pictures."""

    def unread(
        self, folders: Collection[int], models: str, *, again: bool = False
    ) -> dict[bytes, Path]:
        """The contents in folders that these models have not read, each with one of its files.

        `again`: those that could not be read, too.
        """
        query = """
            SELECT p.content_hash, f.path, p.relative
            FROM pictures p JOIN folders f ON f.id = p.folder_id
            LEFT JOIN readings r ON r.content_hash = p.content_hash AND r.models = ?
            WHERE p.state = ? AND p.content_hash IS NOT NULL
            AND (r.id IS NULL OR (? AND r.reason IS NOT NULL)) AND p.folder_id IN (:keys)
            ORDER BY p.folder_id, p.relative"""
        rows = self.rows_in(query, folders, models, PRESENT, again)
        return {content: full_path(folder, relative) for content, folder, relative in rows}

    def unused(self) -> int:
        """The number of readings of contents that no picture has any more."""
        (number,) = self.column(f"SELECT count(*) FROM readings WHERE {UNUSED}")
        return int(number)

    def counts(self) -> ReadingCounts:
        """Numbers of present pictures by what was read."""
        query = """
            SELECT count(*), count(nullif(r.text, '')), count(r.reason)
            FROM pictures p JOIN readings r USING (content_hash) WHERE p.state = ?"""
        return ReadingCounts(*self.rows(query, PRESENT)[0])
