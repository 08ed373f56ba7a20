"""Facts of pictures' contents, found by the hash of their bytes."""

from __future__ import annotations

from collections.abc import Iterable

from indexer.catalogue.lookup.tables import Tables, chunks
from indexer.pictures.facts import COLUMNS, ContentFacts


def contents_of(tables: Tables, hashes: Iterable[bytes]) -> dict[bytes, ContentFacts]:
    """Known facts, by the hash of the bytes; metadata are read from the bytes again."""
    # Of copies, one that could be read comes last: another may have failed for want of time.
    query = f"""
        SELECT content_hash, {", ".join(COLUMNS)} FROM pictures
        WHERE content_hash IN (:keys) ORDER BY reason IS NULL, id"""
    contents: dict[bytes, ContentFacts] = {}
    for part in chunks(list(hashes)):
        for content, *values in tables.rows_in(query, part):
            contents[content] = ContentFacts.of_columns(dict(zip(COLUMNS, values, strict=True)))
    return contents
