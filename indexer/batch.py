"""Writing to a library: one batch, one transaction."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.captions import Caption as FoundCaption
from indexer.encoders.protocol import Encoder, Rows
from indexer.schema import (
    FAILED,
    MISSING,
    PRESENT,
    Base,
    Embedding,
    EncoderRow,
    Folder,
    Picture,
    Setting,
    pack,
    text_hash,
)

# Made once: building a statement takes several times as long as SQLite takes to carry it out.
_PICTURES, _CAPTIONS = (Base.metadata.tables[name] for name in ("pictures", "captions"))
_NEW_PICTURE = insert(_PICTURES)
_PUT_PICTURE = _NEW_PICTURE.on_conflict_do_update(
    index_elements=["folder_id", "relative"],
    set_={c.name: _NEW_PICTURE.excluded[c.name] for c in _PICTURES.c if c.name != "id"},
).returning(_PICTURES.c.id)
_DROP_CAPTIONS = delete(_CAPTIONS).where(
    _CAPTIONS.c.picture_id == bindparam("picture"), _CAPTIONS.c.embedded == bindparam("carried")
)
_PUT_CAPTION = insert(_CAPTIONS)


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is stored of a picture file; `reason` is set when it could not be read."""

    relative: bytes
    size: int
    mtime_ns: int
    content_hash: bytes | None = None
    width: int | None = None
    height: int | None = None
    format: str | None = None
    taken: str | None = None
    reason: str | None = None


class Batch:
    """Changes that become visible together; `generation` is what the library has after them."""

    def __init__(self, session: Session, generation: int) -> None:
        self._session = session
        self.generation = generation

    def set(self, key: str, value: str) -> None:
        """Store a named value."""
        statement = insert(Setting).values(key=key, value=value)
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": value})
        )

    def encoder_id(self, encoder: Encoder) -> int:
        """The row of an encoder, made when it is new."""
        query = select(EncoderRow.id).where(EncoderRow.fingerprint == encoder.fingerprint)
        found = self._session.scalar(query)
        if found is not None:
            return found
        row = EncoderRow(name=encoder.name, fingerprint=encoder.fingerprint, dim=encoder.dim)
        self._session.add(row)
        self._session.flush()
        return row.id

    def put_folder(
        self, path: Path, *, exclude: Sequence[str] = (), caption_files: Sequence[Path] = ()
    ) -> int:
        """Add a folder, or replace what was said of it where something is said now."""
        raw = os.fsencode(path)
        row = self._session.scalar(select(Folder).where(Folder.path == raw))
        if row is None:
            row = Folder(path=raw, exclude="[]", caption_files="[]")
            self._session.add(row)
        if exclude:
            row.exclude = json.dumps([pattern for pattern in exclude if pattern])
        if caption_files:
            row.caption_files = json.dumps([str(file) for file in caption_files])
        self._session.flush()
        return row.id

    def absorb_folder(self, inner: int, outer: int, prefix: bytes) -> None:
        """Give the pictures of a folder to the one above it; `prefix` leads from there to it."""
        relative = Picture.relative
        for key, old in self._session.execute(
            select(Picture.id, relative).where(Picture.folder_id == inner)
        ).all():
            self._session.execute(
                update(Picture)
                .where(Picture.id == key)
                .values(folder_id=outer, relative=prefix + b"/" + old)
            )
        self._inherit(self._session.get_one(Folder, inner), self._session.get_one(Folder, outer))
        self._session.execute(delete(Folder).where(Folder.id == inner))

    def _inherit(self, inner: Folder, outer: Folder) -> None:
        """What was said of a folder holds on for its part of the one that absorbs it."""
        below = glob.escape(os.fsdecode(os.path.relpath(inner.path, outer.path)))
        excluded = json.loads(inner.exclude)  # by name at any depth, or by path
        said = [f"{below}/{way}{pattern}" for pattern in excluded for way in ("", "*/")]
        outer.exclude = json.dumps(json.loads(outer.exclude) + said)
        files = json.loads(outer.caption_files) + json.loads(inner.caption_files)
        outer.caption_files = json.dumps(list(dict.fromkeys(files)))

    def forget_folder(self, folder_id: int) -> int:
        """Delete a folder with all that is known of its pictures; their number."""
        ids = select(Picture.id).where(Picture.folder_id == folder_id)
        count = len(self._session.scalars(ids).all())
        self._session.execute(delete(Folder).where(Folder.id == folder_id))
        return count

    def put_picture(self, folder_id: int, facts: PictureFacts) -> int:
        """Add a picture, or replace what is known of the file; its id."""
        values = {name: getattr(facts, name) for name in facts.__slots__}
        values |= {
            "folder_id": folder_id,
            "state": FAILED if facts.reason else PRESENT,
            "revision": self.generation,
        }
        return int(self._session.execute(_PUT_PICTURE, values).scalar_one())

    def put_captions(
        self, picture_id: int, captions: Iterable[FoundCaption], *, embedded: bool
    ) -> None:
        """Replace the captions that a picture carries, or those beside it."""
        self._session.execute(_DROP_CAPTIONS, {"picture": picture_id, "carried": embedded})
        rows = [
            {
                "picture_id": picture_id,
                "position": position,
                "text": caption.text,
                "text_hash": text_hash(caption.text),
                "source": caption.source,
                "embedded": embedded,
            }
            for position, caption in enumerate(captions)
        ]
        if rows:
            self._session.execute(_PUT_CAPTION, rows)

    def put_embeddings(
        self, encoder_id: int, modality: str, hashes: Sequence[bytes], rows: Rows
    ) -> None:
        """Store embeddings (n, dim) of contents; those already stored are kept."""
        values = [
            {"encoder_id": encoder_id, "modality": modality, "hash": key, "vector": pack(row)}
            for key, row in zip(hashes, rows, strict=True)
        ]
        if values:
            self._session.execute(insert(Embedding).on_conflict_do_nothing(), values)

    def touch(self, picture_ids: Sequence[int]) -> None:
        """Note that the fused rows of these pictures are out of date."""
        self._set(picture_ids, revision=self.generation)

    def mark_missing(self, picture_ids: Sequence[int]) -> None:
        """Take pictures out of the results; what is known of them is kept."""
        self._set(picture_ids, state=MISSING, revision=self.generation)

    def mark_present(self, picture_ids: Sequence[int]) -> None:
        """Pictures that were missing are there again, unchanged."""
        self._set(picture_ids, state=PRESENT, revision=self.generation)

    def forget_moved(self) -> None:
        """Delete missing pictures whose bytes are present under another name."""
        there = select(Picture.content_hash).where(Picture.state == PRESENT)
        self._session.execute(
            delete(Picture).where(Picture.state == MISSING, Picture.content_hash.in_(there))
        )

    def _set(self, picture_ids: Sequence[int], **values: object) -> None:
        for start in range(0, len(picture_ids), 500):
            part = picture_ids[start : start + 500]
            self._session.execute(update(Picture).where(Picture.id.in_(part)).values(**values))
