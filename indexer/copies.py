"""Pictures as copies of each other: what tells the better one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from indexer.catalogue.lookup.pictures import Lookup
from indexer.catalogue.lookup.tables import full_path
from indexer.catalogue.values import NEVER, PRESENT


@dataclass(frozen=True, slots=True)
class CopyInfo:
    """A present picture as one copy among others; `size` in bytes, times as local ISO texts."""

    id: int
    path: Path
    content_hash: bytes
    perceptual_hash: bytes | None
    width: int
    height: int
    size: int
    taken: str | None
    modified: str | None


def copies(catalogue: Lookup) -> list[CopyInfo]:
    """Every present picture, in the order of ids."""
    query = """
        SELECT p.id, f.path, p.relative, p.content_hash, p.perceptual_hash, p.width, p.height,
            p.size, p.taken, p.mtime_ns
        FROM pictures p JOIN folders f ON f.id = p.folder_id
        WHERE p.state = ? ORDER BY p.id"""
    return [
        CopyInfo(
            key,
            full_path(folder, relative),
            content or b"",
            looks,
            width or 0,
            height or 0,
            size,
            taken,
            _local(changed),
        )
        for key, folder, relative, content, looks, width, height, size, taken, changed in (
            catalogue.rows(query, PRESENT)
        )
    ]


def _local(mtime_ns: int) -> str | None:
    """A time of change; None for one that was given up to have the file looked at again."""
    if mtime_ns == NEVER:
        return None
    return datetime.fromtimestamp(mtime_ns // 1_000_000_000).isoformat()
