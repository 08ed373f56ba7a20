"""Facts that the bytes of a picture tell, found by the hash of these bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from indexer.captions import Caption
from indexer.catalogue.lookup.tables import Tables, chunks


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """Facts from a picture's bytes, whatever its name; `reason` if they could not be read."""

    width: int | None = None
    height: int | None = None
    format: str | None = None
    taken: str | None = None
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    perceptual_hash: bytes | None = None
    pixels_hash: bytes | None = None
    reason: str | None = None
    captions: tuple[Caption, ...] = ()

    @property
    def columns(self) -> dict[str, Any]:
        """The facts that are columns of the table of pictures, by column."""
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = [field.name for field in fields(ContentFacts) if field.name != "captions"]


def contents_of(tables: Tables, hashes: Iterable[bytes]) -> dict[bytes, ContentFacts]:
    """Known facts, by the hash of the bytes."""
    # Of copies, one that could be read comes last: another may have failed for want of time.
    query = f"""
        SELECT content_hash, id, {", ".join(_COLUMNS)} FROM pictures
        WHERE content_hash IN (:keys) ORDER BY reason IS NULL, id"""
    contents: dict[bytes, ContentFacts] = {}
    for part in chunks(list(hashes)):
        rows = {row[0]: row[1:] for row in tables.rows_in(query, part)}
        carried = _carried_captions(tables, [key for key, *_ in rows.values()])
        for content, (key, *values) in rows.items():
            facts = dict(zip(_COLUMNS, values, strict=True))
            contents[content] = ContentFacts(**facts, captions=tuple(carried.get(key, ())))
    return contents


def _carried_captions(tables: Tables, ids: Sequence[int]) -> dict[int, list[Caption]]:
    """The captions that pictures carry in their bytes."""
    query = """
        SELECT picture_id, text, source FROM captions WHERE picture_id IN (:keys) AND embedded
        ORDER BY picture_id, position"""
    captions: dict[int, list[Caption]] = {}
    for picture_id, text, source in tables.rows_in(query, ids):
        captions.setdefault(picture_id, []).append(Caption(text, source))
    return captions
