"""Changes to the albums of a library."""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.catalogue.lookup.albums import Album
from indexer.catalogue.schema import AlbumPicture, AlbumRow
from indexer.catalogue.values import SEARCH


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

    def drop(self, name: str) -> None:
        """Delete an album of any kind; the pictures it shows stay."""
        self._session.execute(delete(AlbumRow).where(AlbumRow.name == name))
