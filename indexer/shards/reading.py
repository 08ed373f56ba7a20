"""Records out of a local library, a few hundred pictures at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from indexer.catalogue.lookup.embeddings import EmbeddingLookup
from indexer.catalogue.lookup.tables import CHUNK, Tables
from indexer.catalogue.values import BESIDE, CARRIED, DERIVED
from indexer.embedding import IMAGE, TEXT
from indexer.library.library import Library
from indexer.shards.record import (
    COLUMNS,
    CaptionRecord,
    FactRecord,
    PictureRecord,
    ReadingRecord,
    Row,
)

_PICTURES = f"""
    SELECT p.id, f.path, {", ".join(f"p.{name}" for name in COLUMNS)}
    FROM pictures p JOIN folders f ON f.id = p.folder_id WHERE p.id IN (:keys) ORDER BY p.id"""
_CAPTIONS = """
    SELECT picture_id, text_hash, text, source, embedded FROM captions
    WHERE picture_id IN (:keys) ORDER BY picture_id, embedded, position"""
_FACTS = f"""
    SELECT picture_id, field, value, source, origin FROM facts WHERE picture_id IN (:keys)
    ORDER BY picture_id,
        CASE origin WHEN '{CARRIED}' THEN 0 WHEN '{BESIDE}' THEN 1 WHEN '{DERIVED}' THEN 2 END,
        position"""
_READINGS = "SELECT content_hash, text, models, reason FROM readings WHERE content_hash IN (:keys)"


def records_of_library(library: Library) -> Iterator[list[PictureRecord]]:
    """All pictures of a library, in the order of their ids, as they were when this began."""
    encoder_id = library.encoder_id
    with library.catalogue.snapshot() as tables:
        last = 0
        while True:
            query = "SELECT id FROM pictures WHERE id > ? ORDER BY id LIMIT ?"
            ids = tables.column(query, last, CHUNK)
            if not ids:
                return
            last = ids[-1]
            yield list(records_by_id(tables, library, encoder_id, ids).values())


def records_by_id(
    tables: Tables, library: Library, encoder_id: int, ids: Sequence[int]
) -> dict[int, PictureRecord]:
    """Pictures of a library by id, read from these `tables` of it."""
    rows = list(tables.rows_in(_PICTURES, ids))
    contents = {row[2 + COLUMNS.index("content_hash")] for row in rows} - {None}
    captions = _by_picture(tables.rows_in(_CAPTIONS, ids))
    facts = _by_picture(tables.rows_in(_FACTS, ids))
    readings = {key: ReadingRecord(*said) for key, *said in tables.rows_in(_READINGS, contents)}
    texts = {row[0] for own in captions.values() for row in own}
    embeddings = EmbeddingLookup(tables.lent, library.path)
    width = 2 * library.settings.dim  # bytes
    v_i = embeddings.of_contents(encoder_id, IMAGE, contents)
    v_t = embeddings.of_contents(encoder_id, TEXT, texts)
    return {
        key: PictureRecord(
            folder=folder,
            **(known := dict(zip(COLUMNS, values, strict=True))),
            captions=tuple(_caption(row, v_t, width) for row in captions.get(key, ())),
            facts=tuple(FactRecord(*row) for row in facts.get(key, ())),
            reading=readings.get(known["content_hash"]),
            v_i=_row(v_i.get(known["content_hash"]), width),
        )
        for key, folder, *values in rows
    }


def _by_picture(rows: Iterator[Any]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = {}
    for key, *values in rows:
        found.setdefault(key, []).append(tuple(values))
    return found


def _caption(row: Sequence[Any], v_t: dict[bytes, bytes], width: int) -> CaptionRecord:
    key, text, source, embedded = row
    return CaptionRecord(text, source, bool(embedded), _row(v_t.get(key), width))


def _row(stored: bytes | None, width: int) -> Row | None:
    """A stored embedding; None for a damaged one, too, which the picture then lacks."""
    if stored is None or len(stored) != width:
        return None
    return np.frombuffer(stored, "<f2").astype(np.float16)
