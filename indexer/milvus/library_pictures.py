"""The pictures of a local library, as a collection keeps them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.values import PRESENT
from indexer.library.searchable import Searchable
from indexer.milvus.picture import COLUMNS, StoredPicture

TOGETHER = 500  # pictures


def pictures_of(library: Searchable, ids: Sequence[int]) -> Iterator[list[StoredPicture]]:
    """Pictures of a library that are present and embedded, in batches, by ascending id."""
    for part in chunks(sorted(ids), TOGETHER):
        yield _batch(library, part)


def _batch(library: Searchable, ids: Sequence[int]) -> list[StoredPicture]:
    rows = {
        key: (folder, relative, dict(zip(COLUMNS, columns, strict=True)))
        for key, folder, relative, *columns in library.catalogue.rows_in(
            f"""SELECT p.id, f.path, p.relative, {", ".join(f"p.{name}" for name in COLUMNS)}
            FROM pictures p JOIN folders f ON f.id = p.folder_id
            WHERE p.state = ? AND p.id IN (:keys)""",
            ids,
            PRESENT,
        )
    }
    captions = _by_picture(
        library,
        "SELECT picture_id, text, source, embedded FROM captions WHERE picture_id IN (:keys) "
        "ORDER BY picture_id, position",
        ids,
    )
    facts = _by_picture(
        library,
        "SELECT picture_id, position, field, value, source, origin FROM facts "
        "WHERE picture_id IN (:keys) ORDER BY picture_id, id",
        ids,
    )
    texts = _by_picture(
        library,
        "SELECT p.id, r.text, r.models FROM pictures p JOIN readings r USING (content_hash) "
        "WHERE r.text != '' AND p.id IN (:keys)",
        ids,
    )
    features = library.embedded(ids)
    parts = zip(
        features.ids.tolist(), features.v_i, features.v_t, features.has_caption, strict=True
    )
    return [
        StoredPicture(
            key,
            *rows[key],
            tuple((text, source, bool(own)) for text, source, own in captions[key]),
            tuple(facts[key]),
            texts[key][0] if texts[key] else None,
            v_i,
            v_t,
            bool(has),
        )
        for key, v_i, v_t, has in parts
        if key in rows
    ]


def _by_picture(library: Searchable, query: str, ids: Sequence[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for key, *values in library.catalogue.rows_in(query, ids):
        found[key].append(tuple(values))
    return found
