"""Changes to albums of picked pictures; none of them ever touches a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.catalogue.schema import AlbumMember, AlbumRow


class PickedChanges:
    """The albums of picked pictures in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def create(self, name: str, kind: str) -> None:
        """Make an empty album."""
        self._session.add(AlbumRow(name=name, asked="", kind=kind))
        self._session.flush()

    def add(self, name: str, pictures: Iterable[tuple[int, bytes]]) -> None:
        """Append pictures, by id and content; pictures already in the album keep their place."""
        album = self._id(name)
        query = select(func.max(AlbumMember.position)).where(AlbumMember.album_id == album)
        last = self._session.scalar(query)
        first = 0 if last is None else last + 1
        values = [
            {"album_id": album, "position": place, "content_hash": content, "picture_id": key}
            for place, (key, content) in enumerate(pictures, start=first)
        ]
        if values:
            self._session.execute(insert(AlbumMember).on_conflict_do_nothing(), values)

    def remove(self, members: Iterable[int]) -> None:
        """Take members out, by their rows."""
        values = [{"member": row} for row in members]
        if values:
            table = AlbumMember.__table__
            statement = delete(AlbumMember).where(table.c.id == bindparam("member"))
            self._session.connection().execute(statement, values)

    def arrange(self, members: Sequence[int]) -> None:
        """Give all members of an album, by their rows, this order."""
        values = [{"member": row, "place": place} for place, row in enumerate(members)]
        if values:
            table = AlbumMember.__table__
            statement = update(AlbumMember).where(table.c.id == bindparam("member"))
            self._session.connection().execute(
                statement.values(position=bindparam("place")), values
            )

    def cover(self, name: str, content: bytes | None) -> None:
        """Choose the picture that stands for an album; None: its first."""
        self._session.execute(update(AlbumRow).where(AlbumRow.name == name).values(cover=content))

    def rename(self, name: str, new: str) -> None:
        """Rename an album, of whichever kind."""
        self._session.execute(update(AlbumRow).where(AlbumRow.name == name).values(name=new))

    def _id(self, name: str) -> int:
        return self._session.scalars(select(AlbumRow.id).where(AlbumRow.name == name)).one()
