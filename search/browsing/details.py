"""Details: everything known of one picture, for a panel beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from indexer.library.library import Library
from indexer.library.records import Record, records

_ORDER = "embedded, position"  # captions beside a picture come first
_SAME = (  # fields of a record that are shown as they are
    "id", "hash", "width", "height", "format", "modified", "taken", "taken_source", "place",
    "place_source", "latitude", "longitude", "people", "keywords", "title", "headline",
    "alternative", "comments", "prompt", "flags", "camera", "lens", "rating", "text",
)  # fmt: skip


def details(library: Library, key: int) -> dict[str, Any] | None:
    """All that is known of a present picture; None if there is none.

    The fields are those of docs/app.md: None or an empty list for what is unknown.
    """
    found: list[Record] = next(records(library, [key]), [])
    if not found:
        return None
    record = found[0]
    path = Path(record["path"])
    albums, favourites = library.picked.of_picture(key), library.picked.favourites()
    return {
        "name": path.name,
        "folder": str(path.parent),
        "bytes": record["size"],
        **{name: record[name] for name in _SAME},
        "captions": _captions(library, key),
        "tags": [{"name": name, "probability": p} for name, p in record["tags"].items()],
        "albums": [name for name in albums if name != favourites],
        "favourite": favourites in albums,
    }


def _captions(library: Library, key: int) -> list[dict[str, str]]:
    """Captions with their sources, each text once."""
    query = f"SELECT text, source FROM captions WHERE picture_id = ? ORDER BY {_ORDER}"
    sources: dict[str, str] = {}
    for text, source in library.catalogue.rows(query, key):
        sources.setdefault(text, source)
    return [{"text": text, "source": source} for text, source in sources.items()]
