"""Albums: named queries, as the catalogue stores them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from indexer.catalogue.lookup.tables import Tables
from indexer.catalogue.values import SEARCH
from indexer.errors import InputError, LibraryDamaged
from indexer.settings import DATE_ORDERS

MAX_NAME = 200  # letters
ANY_WAY = "auto"  # the mode of albums saved before modes existed


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture in an album's query: its stored embedding, and the fingerprint of its encoder.

    `path` is where the file was; None if it came as bytes or from the network.
    """

    content_hash: bytes
    path: bytes | None
    encoder: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class AlbumTerm:
    """A part of the query: words, or a picture by the hash of its content.

    `literal` words are taken as they are, and not read in another language.
    """

    weight: float
    text: str = ""
    picture: bytes | None = None
    literal: bool = False


@dataclass(frozen=True, slots=True)
class Album:
    """A query with a name; its pictures are searched for again each time.

    `like` and `unlike` are contents of pictures marked as right and wrong; `k` is the most
    pictures it holds, `least` the score and `min_confidence` the confidence that each must reach,
    None for no limit. `kept` are the pictures in its query, by content. `mode` and `date_order` are
    those of `search/query/options.py`.
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
    min_confidence: float | None = None
    date_order: str = DATE_ORDERS[0]
    kept: Mapping[bytes, KeptPicture] = field(default_factory=dict)

    def to_json(self) -> str:
        """The query as one line of JSON; hashes as hexadecimal."""
        return json.dumps(
            {
                "terms": [_stored(term) for term in self.terms],
                "weight": self.weight,
                "like": [content.hex() for content in self.like],
                "unlike": [content.hex() for content in self.unlike],
                "tags": list(self.tags),
                "where": self.where,
                "k": self.k,
                "least": self.least,
                "mode": self.mode,
                "min_confidence": self.min_confidence,
                "date_order": self.date_order,
            },
            sort_keys=True,
        )

    @classmethod
    def from_json(cls, name: str, text: str, kept: Mapping[bytes, KeptPicture]) -> Self:
        """The album that `to_json` wrote. Raises `LibraryDamaged`."""
        try:
            stored = json.loads(text)
            return cls(
                name,
                tuple(_term(term) for term in stored["terms"]),
                stored["weight"],
                tuple(bytes.fromhex(content) for content in stored["like"]),
                tuple(bytes.fromhex(content) for content in stored["unlike"]),
                tuple(stored["tags"]),
                stored["where"],
                stored["k"],
                stored["least"],
                stored.get("mode", ANY_WAY),
                stored.get("min_confidence"),
                stored.get("date_order", DATE_ORDERS[0]),
                kept,
            )
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise LibraryDamaged(
                f"album {name!r} cannot be read; save it again with --replace, or delete it with "
                "--delete"
            ) from error

    @property
    def contents(self) -> list[bytes]:
        """The contents of all pictures in the query, each once."""
        terms = [term.picture for term in self.terms if term.picture is not None]
        return list(dict.fromkeys([*terms, *self.like, *self.unlike]))


def _stored(term: AlbumTerm) -> dict[str, Any]:
    if term.picture is not None:
        return {"weight": term.weight, "picture": term.picture.hex()}
    return {"weight": term.weight, "text": term.text, "literal": term.literal}


def _term(stored: Mapping[str, Any]) -> AlbumTerm:
    picture = stored.get("picture")
    content = None if picture is None else bytes.fromhex(picture)
    text, literal = stored.get("text", ""), bool(stored.get("literal", False))
    return AlbumTerm(float(stored["weight"]), text, content, literal)


def album_name(text: str) -> str:
    """A name for an album, without needless blanks. Raises `InputError`."""
    name = " ".join(text.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise InputError(f"{name!r}: not a valid album name; use 1 to {MAX_NAME} characters")
    return name


class AlbumLookup(Tables):
    """Read access to the albums of one library that are searches."""

    def names(self) -> list[str]:
        """The names of all albums that are searches, sorted."""
        return self.column("SELECT name FROM albums WHERE kind = ? ORDER BY name", SEARCH)

    def kind(self, name: str) -> str | None:
        """The kind of the album of a name; None if there is none."""
        return next(iter(self.column("SELECT kind FROM albums WHERE name = ?", name)), None)

    def named(self, name: str) -> Album | None:
        """The album of a name. Raises `LibraryDamaged` if it cannot be read."""
        rows = self.rows("SELECT id, asked FROM albums WHERE name = ? AND kind = ?", name, SEARCH)
        if not rows:
            return None
        key, text = rows[0]
        query = """
            SELECT content_hash, path, encoder, vector FROM album_pictures
            WHERE album_id = ? ORDER BY id"""
        kept = {row[0]: KeptPicture(*row) for row in self.rows(query, key)}
        return Album.from_json(name, text, kept)
