"""Changes to the list of the vector index's files."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from indexer.catalogue.changes.settings import SettingChanges
from indexer.catalogue.schema import SegmentRow
from indexer.catalogue.values import VECTORS


class SegmentChanges:
    """The files of the vector index in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def replace(self, facts: str, segments: Sequence[tuple[str, str, bytes]]) -> None:
        """Replace the list: the setting "vectors", and files with their checksums and keys."""
        SettingChanges(self._session).set(VECTORS, facts)
        self._session.execute(delete(SegmentRow))
        rows = [
            {"position": n, "file": file, "checksum": checksum, "keys": keys}
            for n, (file, checksum, keys) in enumerate(segments)
        ]
        if rows:
            self._session.execute(insert(SegmentRow), rows)

    def drop(self, files: Sequence[str]) -> None:
        """Forget files: their rows are made again."""
        self._session.execute(delete(SegmentRow).where(SegmentRow.file.in_(files)))
