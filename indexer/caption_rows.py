"""The stored captions of pictures."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from indexer.captions import Caption as FoundCaption
from indexer.schema import Caption


def carried_captions(session: Session, ids: Sequence[int]) -> dict[int, list[FoundCaption]]:
    """The captions that pictures carry in their bytes."""
    query = (
        select(Caption.picture_id, Caption.text, Caption.source)
        .where(Caption.picture_id.in_(ids), Caption.embedded)
        .order_by(Caption.picture_id, Caption.position)
    )
    found: dict[int, list[FoundCaption]] = {}
    for picture_id, said, source in session.execute(query):
        found.setdefault(picture_id, []).append(FoundCaption(said, source))
    return found
