"""A check of a collection: its number of pictures, and a sample of them, against their source."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from indexer.milvus.about import about_of
from indexer.milvus.connection import Connection
from indexer.milvus.loading import Load, Rows, quoted
from indexer.progress import Progress

SAMPLE = 1000  # pictures that are compared


@dataclass(frozen=True, slots=True)
class Check:
    """Numbers of pictures of a source, of those in the collection, and of a compared sample."""

    expected: int
    there: int
    compared: int
    differing: int

    @property
    def agrees(self) -> bool:
        """Whether no difference was found."""
        return self.expected == self.there and not self.differing


def checked(connection: Connection, wanted: Load) -> Generator[Progress, None, Check]:
    """Compare a collection with its source; yields progress.

    Whole batches are compared, spread evenly over the source: a row is made again and its digest
    compared, so that a difference in any field counts. Raises `LibraryError`.
    """
    about = about_of(connection)
    rows = Rows(wanted.settings, wanted.source.name, half=about.half)
    done = compared = differing = 0
    for batch in wanted.batches:
        due = compared * max(wanted.total, SAMPLE) <= done * SAMPLE
        done += len(batch)
        yield Progress(done, wanted.total, "checking")
        if not batch or not due:
            continue
        there = connection.digests([picture.id for picture in batch])
        made = {row["id"]: row["digest"] for row in rows.of(batch)}
        compared += len(made)
        differing += sum(there.get(key) != digest for key, digest in made.items())
    condition = f'source == "{quoted(wanted.source.name)}"'
    return Check(done, connection.count(condition), compared, differing)
