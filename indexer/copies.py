"""Pictures as copies of each other: what tells the better one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from indexer.catalogue import Catalogue, full_path
from indexer.schema import NEVER, PRESENT, Folder, Picture


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


def copies(catalogue: Catalogue) -> list[CopyInfo]:
    """Every present picture, in the order of ids."""
    p = Picture
    named = (p.id, Folder.path, p.relative, p.content_hash, p.perceptual_hash)
    columns = (*named, p.width, p.height, p.size, p.taken, p.mtime_ns)
    query = select(*columns).join(Folder).where(p.state == PRESENT).order_by(p.id)
    return [
        CopyInfo(
            id=row.id,
            path=full_path(row.path, row.relative),
            content_hash=row.content_hash or b"",
            perceptual_hash=row.perceptual_hash,
            width=row.width or 0,
            height=row.height or 0,
            size=row.size,
            taken=row.taken,
            modified=_local(row.mtime_ns),
        )
        for row in catalogue.rows(query)
    ]


def _local(mtime_ns: int) -> str | None:
    """A time of change; None for one that was given up to have the file looked at again."""
    if mtime_ns == NEVER:
        return None
    return datetime.fromtimestamp(mtime_ns // 1_000_000_000).isoformat()
