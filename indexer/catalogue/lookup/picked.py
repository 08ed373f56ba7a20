"""Albums of picked pictures: which pictures they have now."""

from __future__ import annotations

from dataclasses import dataclass

from indexer.catalogue.lookup.tables import Tables
from indexer.catalogue.values import FAVOURITES, SEARCH

# The picture of a member `m`: one with its content, if possible where it was picked; otherwise the
# one that was picked and has been edited since. NULL while neither is there.
_PICTURE = """
    coalesce(
        (SELECT p.id FROM pictures p WHERE p.id = m.picture_id
            AND p.content_hash = m.content_hash AND p.state = 'present'),
        (SELECT min(p.id) FROM pictures p
            WHERE p.content_hash = m.content_hash AND p.state = 'present'),
        (SELECT p.id FROM pictures p WHERE p.id = m.picture_id AND p.state = 'present'))"""
PICTURES_OF = f"""
    SELECT {_PICTURE} FROM album_members m JOIN albums a ON a.id = m.album_id
    WHERE a.name = :album"""


@dataclass(frozen=True, slots=True)
class PickedAlbum:
    """An album of picked pictures.

    `pictures` counts the present ones, `away` the others: their disk is unplugged, or they were
    deleted. `cover` is the id of the picture that stands for the album.
    """

    name: str
    kind: str
    pictures: int
    away: int
    cover: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """A picture of an album: its row, and the id of the present picture; None while it is away."""

    row: int
    picture: int | None
    content_hash: bytes


class PickedLookup(Tables):
    """Read access to the albums of one library that have picked pictures, and to its favourites."""

    def names(self) -> list[str]:
        """The names of these albums, favourites first, then sorted."""
        query = "SELECT name FROM albums WHERE kind != ? ORDER BY kind != ?, name"
        return self.column(query, SEARCH, FAVOURITES)

    def favourites(self) -> str | None:
        """The name of the album of favourites; None if there were never any."""
        query = "SELECT name FROM albums WHERE kind = ?"
        return next(iter(self.column(query, FAVOURITES)), None)

    def members(self, name: str) -> list[Member]:
        """All members of an album in its order."""
        query = f"""
            SELECT m.id, {_PICTURE}, m.content_hash
            FROM album_members m JOIN albums a ON a.id = m.album_id
            WHERE a.name = ? ORDER BY m.position, m.id"""
        return [Member(*row) for row in self.rows(query, name)]

    def pictures(self, name: str) -> list[int]:
        """The ids of the present pictures of an album in its order, each once."""
        ids = dict.fromkeys(member.picture for member in self.members(name))
        return [key for key in ids if key is not None]

    def album(self, name: str) -> PickedAlbum | None:
        """The album of a name; None if there is none of picked pictures."""
        query = "SELECT kind, cover FROM albums WHERE name = ? AND kind != ?"
        for kind, cover in self.rows(query, name, SEARCH):
            members = self.members(name)
            there = {m.picture: m.content_hash for m in members if m.picture is not None}
            chosen = [key for key, content in there.items() if content == cover]
            away = sum(member.picture is None for member in members)
            return PickedAlbum(name, kind, len(there), away, next(iter([*chosen, *there]), None))
        return None

    def of_picture(self, picture_id: int) -> list[str]:
        """The names of the albums that have a present picture, favourites first."""
        query = f"""
            SELECT DISTINCT a.name, a.kind FROM album_members m JOIN albums a ON a.id = m.album_id
            WHERE {_PICTURE} = ? AND (m.picture_id = ? OR m.content_hash =
                (SELECT content_hash FROM pictures WHERE id = ?))
            ORDER BY a.kind != ?, a.name"""
        return self.column(query, picture_id, picture_id, picture_id, FAVOURITES)
