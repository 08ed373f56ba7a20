"""Facts of pictures' contents, found by the hash of their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexer.captions import Caption
from indexer.catalogue.lookup.tables import Tables, chunks
from indexer.pictures.facts import COLUMNS, ContentFacts


def contents_of(tables: Tables, hashes: Iterable[bytes]) -> dict[bytes, ContentFacts]:
    """Known facts, by the hash of the bytes."""
    # Of copies, one that could be read comes last: another may have failed for want of time.
    query = f"""
        SELECT content_hash, id, {", ".join(COLUMNS)} FROM pictures
        WHERE content_hash IN (:keys) ORDER BY reason IS NULL, id"""
    contents: dict[bytes, ContentFacts] = {}
    for part in chunks(list(hashes)):
        rows = {row[0]: row[1:] for row in tables.rows_in(query, part)}
        carried = _carried_captions(tables, [key for key, *_ in rows.values()])
        for content, (key, *values) in rows.items():
            facts = dict(zip(COLUMNS, values, strict=True))
            contents[content] = ContentFacts.of_columns(facts, tuple(carried.get(key, ())))
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
