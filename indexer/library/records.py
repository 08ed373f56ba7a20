"""Records: all stored facts of pictures, a few hundred at a time."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from indexer.catalogue.lookup.facts import LISTS, METADATA, Metadata
from indexer.catalogue.lookup.pictures import Catalogue
from indexer.catalogue.lookup.tables import chunks, full_path
from indexer.catalogue.values import NEVER, PRESENT
from indexer.library.library import Library
from indexer.metadata.fields import shown_moment


@dataclass(frozen=True, slots=True)
class CopyInfo:
    """A present picture as one copy among others, as it was indexed.

    `size` in bytes; `taken` and `modified` as local ISO texts, `mtime_ns` the exact time of change.
    `hard_links` are other names of the same file, if somebody has looked for them.
    """

    id: int
    path: Path
    content_hash: bytes
    perceptual_hash: bytes | None
    width: int
    height: int
    size: int
    taken: str | None
    mtime_ns: int
    format: str | None = None
    hard_links: tuple[Path, ...] = ()

    @property
    def modified(self) -> str | None:
        """The time of change; None for a picture that waits to be checked again."""
        return _local_time(self.mtime_ns)


def copies(catalogue: Catalogue) -> list[CopyInfo]:
    """Every present picture, in the order of ids."""
    query = """
        SELECT p.id, f.path, p.relative, p.content_hash, p.perceptual_hash, p.width, p.height,
            p.size, p.taken, p.taken_last, p.mtime_ns, p.format
        FROM pictures p JOIN folders f ON f.id = p.folder_id
        WHERE p.state = ? ORDER BY p.id"""
    return [_copy(row) for row in catalogue.rows(query, PRESENT)]


def _copy(row: Sequence[Any]) -> CopyInfo:
    key, folder, relative, content, perceptual, width, height, size, taken, last, *file = row
    return CopyInfo(
        key,
        full_path(folder, relative),
        content or b"",
        perceptual,
        width or 0,
        height or 0,
        size,
        None if taken is None else shown_moment(taken, last),
        *file,
    )


Record: TypeAlias = dict[str, Any]
_STORED = {  # fields of a record that stand in the table of pictures, by column
    "mtime_ns": "modified", "size": "size", "width": "width", "height": "height",
    "format": "format", "content_hash": "hash", "perceptual_hash": "perceptual_hash",
}  # fmt: skip
_FIRST = ("taken", "camera", "latitude", "longitude")  # columns that tables have had for long
FIELDS = (
    "id", "path", "path_base64", "folder", "caption", "captions", "tags", "taken", "modified",
    "camera", "latitude", "longitude", "size", "width", "height", "format", "hash",
    "perceptual_hash", *(name for name in METADATA if name not in _FIRST),
)  # fmt: skip
_QUERY = f"""
    SELECT p.id, f.path, p.relative, {", ".join(f"p.{column}" for column in _STORED)}
    FROM pictures p JOIN folders f ON f.id = p.folder_id WHERE p.state = ? AND p.id IN (:keys)"""


def records(library: Library, ids: Sequence[int]) -> Iterator[list[Record]]:
    """Records of present pictures in the order of `ids`, in batches; those gone are left out.

    `folder` is the indexed one; `modified` a local time; `tags` by name with their probabilities;
    the hashes are hexadecimal; docs/metadata.md describes the rest. A path that is not UTF-8 also
    has its bytes in base64.
    """
    for part in chunks(ids):
        pictures = library.catalogue.pictures(part)
        tags, metadata = library.tags.of(part), library.facts.of(part)
        rows = library.catalogue.rows_in(_QUERY, part, PRESENT)
        made = {
            row[0]: _record(row, pictures[row[0]].captions, tags.get(row[0], {}))
            | _said(metadata.get(row[0], {}))
            for row in rows
            if row[0] in pictures
        }
        yield [made[key] for key in part if key in made]


def _record(row: Sequence[Any], captions: Sequence[str], tags: dict[str, float]) -> Record:
    key, folder, relative, *stored = row
    path, path_base64 = _path(full_path(folder, relative))
    texts = [_valid(caption) for caption in captions]
    record = {
        "id": key,
        "path": path,
        "path_base64": path_base64,
        "folder": _path(Path(os.fsdecode(folder)))[0],
        "caption": texts[0] if texts else None,
        "captions": texts,
        "tags": {_valid(name): round(probability, 4) for name, probability in tags.items()},
    }
    facts = dict(zip(_STORED.values(), map(_shown, _STORED, stored), strict=True))
    return record | facts


def _said(metadata: Metadata) -> Record:
    """The metadata of a picture; None for an unknown value, an empty list for several."""
    empty: Record = {name: [] if name in LISTS else None for name in METADATA}
    return empty | {name: _valid_value(value) for name, value in metadata.items()}


def _valid_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_valid_value(one) for one in value]
    return _valid(value) if isinstance(value, str) else value


def _shown(column: str, value: Any) -> Any:
    """A stored value as a record has it: times as local ISO texts, hashes as hexadecimal."""
    if column == "mtime_ns":
        return _local_time(value)
    return value.hex() if isinstance(value, bytes) else value


def _path(path: Path) -> tuple[str, str | None]:
    """A path as text, and its bytes in base64 if the text loses some."""
    raw = os.fsencode(path)
    text = raw.decode("utf-8", "replace")
    return text, None if text.encode() == raw else base64.b64encode(raw).decode()


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _local_time(mtime_ns: int) -> str | None:
    """A time of change; None for a picture that waits to be checked again."""
    if mtime_ns == NEVER:
        return None
    return datetime.fromtimestamp(mtime_ns // 1_000_000_000).isoformat()
