"""Albums: questions that were given a name, as the catalogue keeps them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from indexer.catalogue.lookup.tables import Tables
from indexer.errors import LibraryDamaged

ANY_WAY = "auto"  # the mode of albums that were saved before they named one


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture that an album asks with: its embedding as stored, by which encoder (fingerprint).

    `path` is where the file was; None for one that came as bytes or from the network.
    """

    content_hash: bytes
    path: bytes | None
    encoder: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class AlbumTerm:
    """A part of the question: words, or a picture by the hash of its content."""

    weight: float
    text: str = ""
    picture: bytes | None = None


@dataclass(frozen=True, slots=True)
class Album:
    """A question with a name: what its pictures are is asked anew each time.

    `like` and `unlike` are contents of pictures marked as right and wrong; `k` is how many
    pictures it holds at most and `least` the score that each must reach, None for no limit.
    `kept` are the pictures that it asks with, by content. `mode`: what it finds by, as
    `search/query/options.py` names it.
    """

    name: str
    terms: tuple[AlbumTerm, ...] = ()
    weight: float | None = None
    like: tuple[bytes, ...] = ()
    unlike: tuple[bytes, ...] = ()
    tags: tuple[str, ...] = ()
    where: str | None = None
    k: int | None = None
    least: float | None = None
    mode: str = ANY_WAY
    kept: Mapping[bytes, KeptPicture] = field(default_factory=dict)

    def to_json(self) -> str:
        """The question as one line of JSON; hashes as hexadecimal."""
        return json.dumps(
            {
                "terms": [
                    {"weight": term.weight, "text": term.text}
                    if term.picture is None
                    else {"weight": term.weight, "picture": term.picture.hex()}
                    for term in self.terms
                ],
                "weight": self.weight,
                "like": [content.hex() for content in self.like],
                "unlike": [content.hex() for content in self.unlike],
                "tags": list(self.tags),
                "where": self.where,
                "k": self.k,
                "least": self.least,
                "mode": self.mode,
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, name: str, asked: str, kept: Mapping[bytes, KeptPicture]) -> Self:
        """The album that `to_json` wrote. Raises `LibraryDamaged`."""
        try:
            said = json.loads(asked)
            return cls(
                name,
                tuple(_term(term) for term in said["terms"]),
                said["weight"],
                tuple(bytes.fromhex(content) for content in said["like"]),
                tuple(bytes.fromhex(content) for content in said["unlike"]),
                tuple(said["tags"]),
                said["where"],
                said["k"],
                said["least"],
                said.get("mode", ANY_WAY),
                kept,
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise LibraryDamaged(
                f"album {name!r} cannot be read; save it again with --replace, or delete it with "
                "--delete"
            ) from error

    @property
    def contents(self) -> list[bytes]:
        """The contents of all pictures that it asks with, each once."""
        asking = [term.picture for term in self.terms if term.picture is not None]
        return list(dict.fromkeys([*asking, *self.like, *self.unlike]))


def _term(said: Mapping[str, Any]) -> AlbumTerm:
    picture = said.get("picture")
    content = None if picture is None else bytes.fromhex(picture)
    return AlbumTerm(float(said["weight"]), said.get("text", ""), content)


class AlbumLookup(Tables):
    """Read access to the albums of one library, in plain SQL."""

    def names(self) -> list[str]:
        """The names of all albums, sorted."""
        return [name for (name,) in self.rows("SELECT name FROM albums ORDER BY name")]

    def named(self, name: str) -> Album | None:
        """The album of a name. Raises `LibraryDamaged` for one that cannot be read."""
        found = self.rows("SELECT id, asked FROM albums WHERE name = ?", name)
        if not found:
            return None
        query = """
            SELECT content_hash, path, encoder, vector FROM album_pictures
            WHERE album_id = ? ORDER BY id"""
        kept = {row[0]: KeptPicture(*row) for row in self.rows(query, found[0][0])}
        return Album.from_json(name, found[0][1], kept)
