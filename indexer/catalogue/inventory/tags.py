"""The tags of a library: its heads, and which tag holds of which picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.orm import Session

from indexer.catalogue.database import sqlite_errors
from indexer.catalogue.engine import reading_by
from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.lookup.tags import StoredTagHead, TagLookup
from indexer.catalogue.schema import PictureRow, PictureTag, TagHeadRow
from indexer.catalogue.values import NEVER, PRESENT
from indexer.errors import LibraryDamaged, ModelError
from indexer.tag_head import TagHead, fingerprint, parse_tag_head


class Tags(TagLookup):
    """Read access to the tags of one library; by an engine, or within a transaction."""

    def __init__(self, source: Engine | Connection, library: Path) -> None:
        super().__init__(reading_by(source), library)
        self._source = source
        self._loaded: dict[str, TagHead] = {}  # by fingerprint

    def loaded(self, encoder_id: int) -> list[tuple[StoredTagHead, TagHead]]:
        """The heads that fit an encoder, ready to predict; read once each."""
        heads = self.heads(encoder_id)
        for known in heads:
            if known.fingerprint not in self._loaded:
                self._loaded[known.fingerprint] = self.load(known)
        return [(known, self._loaded[known.fingerprint]) for known in heads]

    def load(self, known: StoredTagHead) -> TagHead:
        """The head itself. Raises `LibraryDamaged` when it is not what was adopted."""
        query = select(TagHeadRow.content).where(TagHeadRow.id == known.id)
        with self._reading() as session:
            content = session.scalar(query) or b""
        try:
            if fingerprint(content) == known.fingerprint:
                head = parse_tag_head(content, known.name)
                if set(head.facts.tags) == set(known.tag_ids):
                    return head
        except ModelError:
            pass
        raise LibraryDamaged(
            f"{self._library}: the tag head {known.name!r} is damaged; remove it with 'picfuse "
            "doctor --repair', and add it again with 'picfuse index --tags FILE'"
        )

    def by_head(self, picture_ids: Sequence[int]) -> dict[tuple[int, int], float]:
        """What is stored of pictures: probability by picture and number of the tag."""
        p = PictureTag
        found: dict[tuple[int, int], float] = {}
        with self._reading() as session:
            for part in chunks(picture_ids):
                query = select(p.picture_id, p.tag_id, p.probability)
                rows = session.execute(query.where(p.picture_id.in_(part)))
                found |= {(row[0], row[1]): row[2] for row in rows}
        return found

    def counts(self, encoder_id: int) -> dict[str, dict[str, int]]:
        """How many present pictures have each tag, by head and tag; most frequent first."""
        p = PictureTag
        query = select(p.tag_id, func.count()).join(PictureRow, PictureRow.id == p.picture_id)
        query = query.where(PictureRow.state == PRESENT).group_by(p.tag_id)
        with self._reading() as session:
            counted = {row[0]: row[1] for row in session.execute(query)}
        found = {}
        for head in self.heads(encoder_id):
            numbers = {tag: counted.get(key, 0) for tag, key in head.tag_ids.items()}
            found[head.name] = dict(sorted(numbers.items(), key=lambda item: (-item[1], item[0])))
        return found

    def taggable(self) -> list[int]:
        """Ids of all pictures that were read, the missing ones too: they may return."""
        query = select(PictureRow.id).where(
            PictureRow.reason.is_(None), PictureRow.content_hash.is_not(None)
        )
        with self._reading() as session:
            return list(session.scalars(query.order_by(PictureRow.id)))

    def settled(self) -> list[int]:
        """Ids of the present pictures that do not wait for the next run of indexing."""
        query = select(PictureRow.id).where(
            PictureRow.state == PRESENT, PictureRow.mtime_ns != NEVER
        )
        with self._reading() as session:
            return list(session.scalars(query.order_by(PictureRow.id)))

    @contextmanager
    def _reading(self) -> Iterator[Session]:
        with sqlite_errors(self._library), Session(self._source) as session:
            yield session
