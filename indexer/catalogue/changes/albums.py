"""Changes to the albums of a library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.catalogue.lookup.albums import Album
from indexer.catalogue.schema import AlbumMember, AlbumPicture, AlbumRow
from indexer.catalogue.values import SEARCH

_ALBUMS = AlbumRow.metadata.tables["albums"]
_PARTS = tuple(AlbumRow.metadata.tables[each.__tablename__] for each in (AlbumMember, AlbumPicture))


@dataclass(frozen=True, slots=True)
class DeletedAlbum:
    """All that the library kept of an album: its row, and the rows of its pictures by table."""

    row: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]]

    @property
    def name(self) -> str:
        """The name that it had."""
        return str(self.row["name"])


class AlbumChanges:
    """The albums in a batch; their changes never touch a picture."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, album: Album) -> None:
        """Add an album, or replace the search of its name."""
        searches = delete(AlbumRow).where(AlbumRow.name == album.name, AlbumRow.kind == SEARCH)
        self._session.execute(searches)  # never an album that somebody picked
        row = AlbumRow(name=album.name, asked=album.to_json())
        self._session.add(row)
        self._session.flush()
        values = [
            {
                "album_id": row.id,
                "content_hash": kept.content_hash,
                "path": kept.path,
                "encoder": kept.encoder,
                "vector": kept.vector,
            }
            for kept in album.kept.values()
        ]
        if values:
            self._session.execute(insert(AlbumPicture), values)

    def drop(self, name: str) -> DeletedAlbum:
        """Delete an album of any kind, and return it; the pictures it shows stay."""
        wanted = select(_ALBUMS).where(_ALBUMS.c.name == name)
        row = dict(self._session.execute(wanted).mappings().one())
        parts = {}
        for table in _PARTS:
            rows = select(table).where(table.c.album_id == row["id"]).order_by(table.c.id)
            parts[table.name] = [dict(one) for one in self._session.execute(rows).mappings()]
        self._session.execute(delete(AlbumRow).where(AlbumRow.name == name))
        return DeletedAlbum(row, parts)

    def restore(self, deleted: DeletedAlbum, kind: str) -> None:
        """Bring a deleted album back, as one of a kind."""
        row = {**_without(deleted.row, "id"), "kind": kind}
        key = self._session.execute(insert(_ALBUMS).returning(_ALBUMS.c.id), row).scalar_one()
        for table in _PARTS:
            rows = [{**_without(one, "id"), "album_id": key} for one in deleted.parts[table.name]]
            if rows:
                self._session.execute(insert(table), rows)


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
