"""Writing to a library: one batch, one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from indexer.catalogue.changes.albums import AlbumChanges
from indexer.catalogue.changes.comparisons import ComparisonChanges
from indexer.catalogue.changes.embeddings import EmbeddingChanges
from indexer.catalogue.changes.folders import FolderChanges
from indexer.catalogue.changes.picked import PickedChanges
from indexer.catalogue.changes.pictures import PictureChanges
from indexer.catalogue.changes.readings import ReadingChanges
from indexer.catalogue.changes.segments import SegmentChanges
from indexer.catalogue.changes.settings import SettingChanges
from indexer.catalogue.changes.tags import TagChanges
from indexer.catalogue.database import Reading, sqlite_errors
from indexer.catalogue.engine import reading_by
from indexer.catalogue.word_index import reindex_stale_words


class Batch:
    """Changes that become visible together; `generation` is the library's after them."""

    def __init__(self, session: Session, generation: int) -> None:
        self._session = session
        self.generation = generation
        self.folders = FolderChanges(session)
        self.pictures = PictureChanges(session, generation)
        self.embeddings = EmbeddingChanges(session)
        self.readings = ReadingChanges(session)
        self.comparisons = ComparisonChanges(session)
        self.tags = TagChanges(session)
        self.albums = AlbumChanges(session)
        self.picked = PickedChanges(session)
        self.segments = SegmentChanges(session)
        self.settings = SettingChanges(session)

    @property
    def reading(self) -> Reading:
        """Lends the transaction's own connection, which sees what the batch has written."""
        return reading_by(self._session.connection())

    def rebuild_search_trees(self) -> None:
        """Build SQLite's search trees again from the rows."""
        self._session.execute(text("REINDEX"))

    def delete_rows(self, rows: Sequence[tuple[str, int]]) -> None:
        """Delete rows, each named by its table and number."""
        for table, row in rows:
            statement = text(f'DELETE FROM "{table}" WHERE rowid = :row')
            self._session.execute(statement, {"row": row})


@contextmanager
def transaction(engine: Engine, library: Path) -> Iterator[Session]:
    """A transaction on a library that indexes the words of all changed pictures before it ends."""
    with sqlite_errors(library), Session(engine) as session, session.begin():
        session.execute(text("BEGIN IMMEDIATE"))
        yield session
        session.flush()
        reindex_stale_words(reading_by(session.connection()))
