"""Changes to the text that was read in pictures."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.catalogue.lookup.readings import UNUSED
from indexer.catalogue.schema import Base
from indexer.recognition.picture_text import PictureText

_NEW = insert(Base.metadata.tables["readings"])
_PUT = _NEW.on_conflict_do_update(
    index_elements=["content_hash"],
    set_={name: _NEW.excluded[name] for name in ("text", "models", "reason")},
)


class ReadingChanges:
    """The readings in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, readings: Sequence[PictureText], models: str) -> None:
        """Store what these models read of contents, in place of what others did."""
        values = [
            {"content_hash": r.content_hash, "text": r.text, "models": models, "reason": r.reason}
            for r in readings
        ]
        if values:
            self._session.execute(_PUT, values)

    def forget_unused(self) -> None:
        """Delete the readings of contents that no picture has any more."""
        self._session.execute(text(f"DELETE FROM readings WHERE {UNUSED}"))
