"""Changes to the folders of a library, and to which folder a picture belongs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.schema import FolderRow, PassedOverRow, PictureRow
from indexer.kinds.passed_over import PassedOver
from indexer.pictures.exclusion import from_above, from_below


class FolderChanges:
    """The folders in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(
        self,
        path: Path,
        *,
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        caption_files: Sequence[Path] | None = None,
        columns: str | None = None,
    ) -> int:
        """Add a folder, or replace those of its options that are given now; its id."""
        raw = os.fsencode(path)
        row = self._session.scalar(select(FolderRow).where(FolderRow.path == raw))
        if row is None:
            row = FolderRow(path=raw, exclude="[]", include="[]", caption_files="[]")
            self._session.add(row)
        if exclude:
            row.exclude = json.dumps([pattern for pattern in exclude if pattern])
        if include:
            row.include = json.dumps([pattern for pattern in include if pattern])
        if caption_files is not None:
            row.caption_files = json.dumps([str(file) for file in caption_files])
            row.columns = columns
        self._session.flush()
        return row.id

    def keep_captions_digest(self, folder_id: int, digest: bytes | None, told: str | None) -> None:
        """Store a digest of captions, and the report on their files."""
        row = self._session.get_one(FolderRow, folder_id)
        row.captions_digest, row.captions_told = digest, told

    def put_passed_over(
        self, folder_id: int, gone: Sequence[bytes], new: Sequence[PassedOver]
    ) -> None:
        """Change what is passed over in a folder: forget some of it by path, and add some."""
        row = PassedOverRow
        for part in chunks(gone):
            mine = (row.folder_id == folder_id) & row.relative.in_(part)
            self._session.execute(delete(row).where(mine))
        if new:
            values = [{"folder_id": folder_id, **each._asdict()} for each in new]
            self._session.execute(insert(row), values)

    def absorb(self, inner: int, outer: int, prefix: bytes) -> None:
        """Give the pictures of a folder to the one above it; `prefix` is its path from there."""
        relative = PictureRow.relative
        for key, old in self._session.execute(
            select(PictureRow.id, relative).where(PictureRow.folder_id == inner)
        ).all():
            self._session.execute(
                update(PictureRow)
                .where(PictureRow.id == key)
                .values(folder_id=outer, relative=prefix + b"/" + old)
            )
        self._inherit(
            self._session.get_one(FolderRow, inner), self._session.get_one(FolderRow, outer)
        )
        self._session.execute(delete(FolderRow).where(FolderRow.id == inner))

    def _inherit(self, inner: FolderRow, outer: FolderRow) -> None:
        """Carry a folder's options over to its part of the folder that absorbs it."""
        below = os.fsdecode(os.path.relpath(inner.path, outer.path))
        for name in ("exclude", "include"):
            patterns = [from_above(pattern, below) for pattern in json.loads(getattr(inner, name))]
            united = dict.fromkeys([*json.loads(getattr(outer, name)), *patterns])
            setattr(outer, name, json.dumps(list(united)))
        files = json.loads(outer.caption_files) + json.loads(inner.caption_files)
        outer.caption_files = json.dumps(list(dict.fromkeys(files)))
        outer.columns = outer.columns or inner.columns
        outer.captions_digest = None

    def move(self, folder_id: int, path: Path, caption_files: Sequence[Path]) -> None:
        """Change the path of a folder."""
        row = self._session.get_one(FolderRow, folder_id)
        if os.path.basename(row.path) != os.fsencode(path.name):  # which may have held a date
            inside = PictureRow.folder_id == folder_id
            self._session.execute(update(PictureRow).where(inside).values(metadata_version=None))
        row.path = os.fsencode(path)
        row.captions_digest = None
        row.caption_files = json.dumps([str(file) for file in caption_files])

    def split(
        self, folder_id: int, prefix: bytes, path: Path, caption_files: Sequence[Path]
    ) -> None:
        """Move the pictures below `prefix` into a folder of their own, at `path`."""
        whole = self._session.get_one(FolderRow, folder_id)
        whole.captions_digest = None
        inner = os.fsdecode(prefix.rstrip(b"/"))
        patterns = {
            name: [below for p in json.loads(written) for below in from_below(p, inner)]
            for name, written in (("exclude", whole.exclude), ("include", whole.include))
        }
        part = FolderRow(
            path=os.fsencode(path),
            caption_files=json.dumps([str(file) for file in caption_files]),
            columns=whole.columns,
            **{name: json.dumps(those) for name, those in patterns.items()},
        )
        self._session.add(part)
        self._session.flush()
        inside = (PictureRow.folder_id == folder_id) & (
            func.substr(PictureRow.relative, 1, len(prefix)) == prefix
        )
        self._session.execute(
            update(PictureRow)
            .where(inside)
            .values(folder_id=part.id, relative=func.substr(PictureRow.relative, len(prefix) + 1))
        )

    def forget(self, folder_id: int) -> int:
        """Delete a folder with the rows of its pictures; returns their number."""
        ids = select(PictureRow.id).where(PictureRow.folder_id == folder_id)
        count = len(self._session.scalars(ids).all())
        self._session.execute(delete(FolderRow).where(FolderRow.id == folder_id))
        return count
