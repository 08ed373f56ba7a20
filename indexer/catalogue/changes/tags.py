"""Changes to the heads and tags of a library."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert
from sqlalchemy.orm import Session

from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.schema import Base, PictureTag, TagHeadRow, TagRow
from indexer.tag_head import TagHead

_PICTURE_TAGS = Base.metadata.tables["picture_tags"]


class TagChanges:
    """The heads and tags in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put_head(self, encoder_id: int, name: str, head: TagHead) -> None:
        """Add a head, or replace the one of its name."""
        same = (TagHeadRow.encoder_id == encoder_id) & (TagHeadRow.name == name)
        self._session.execute(delete(TagHeadRow).where(same))
        row = TagHeadRow(
            encoder_id=encoder_id, name=name, fingerprint=head.fingerprint, content=head.content
        )
        self._session.add(row)
        self._session.flush()
        self._session.execute(
            insert(TagRow), [{"head_id": row.id, "name": tag} for tag in head.facts.tags]
        )

    def drop_heads(self, head_ids: Sequence[int]) -> None:
        """Delete heads with all their tags."""
        self._session.execute(delete(TagHeadRow).where(TagHeadRow.id.in_(head_ids)))

    def put(self, picture_ids: Sequence[int], tags: Sequence[tuple[int, int, float]]) -> None:
        """Replace the tags of pictures by these: picture, tag and probability."""
        for part in chunks(picture_ids):
            self._session.execute(delete(PictureTag).where(PictureTag.picture_id.in_(part)))
        if tags:
            rows = [{"picture_id": p, "tag_id": t, "probability": value} for p, t, value in tags]
            self._session.execute(insert(_PICTURE_TAGS), rows)

    def clear(self) -> None:
        """Delete the tags of all pictures; the heads stay."""
        self._session.execute(delete(PictureTag))
