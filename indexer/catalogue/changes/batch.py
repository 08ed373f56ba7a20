"""Writing to a library: one batch, one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, delete, exists, select, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.captions import Caption
from indexer.catalogue.changes.albums import AlbumChanges
from indexer.catalogue.changes.folders import FolderChanges
from indexer.catalogue.changes.tags import TagChanges
from indexer.catalogue.inventory.embeddings import unused_parts
from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.schema import (
    Base,
    CaptionRow,
    EmbeddingRow,
    EncoderRow,
    PictureRow,
    SegmentRow,
    SettingRow,
)
from indexer.catalogue.values import FAILED, MISSING, NEVER, PRESENT, VECTORS, pack, text_hash
from indexer.embedding import IMAGE, TEXT, Golden, Rows

# Made once: building a statement takes several times as long as SQLite takes to carry it out.
_PICTURES, _CAPTIONS = (Base.metadata.tables[name] for name in ("pictures", "captions"))
_NEW_PICTURE = insert(_PICTURES)
_PUT_PICTURE = _NEW_PICTURE.on_conflict_do_update(
    index_elements=["folder_id", "relative"],
    set_={c.name: _NEW_PICTURE.excluded[c.name] for c in _PICTURES.c if c.name != "id"},
)
_PICTURE_IDS = select(_PICTURES.c.relative, _PICTURES.c.id)
_DROP_CAPTIONS = delete(_CAPTIONS).where(
    _CAPTIONS.c.picture_id == bindparam("picture"), _CAPTIONS.c.embedded == bindparam("carried")
)
_PUT_CAPTION = insert(_CAPTIONS)
_PUT_EMBEDDING = insert(Base.metadata.tables["embeddings"]).on_conflict_do_nothing()


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
    camera: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    perceptual_hash: bytes | None = None
    pixels_hash: bytes | None = None
    reason: str | None = None


class Batch(FolderChanges, TagChanges, AlbumChanges):
    """Changes that become visible together; `generation` is what the library has after them."""

    def __init__(self, session: Session, generation: int) -> None:
        super().__init__(session)
        self.generation = generation

    def set(self, key: str, value: str) -> None:
        """Store a named value."""
        statement = insert(SettingRow).values(key=key, value=value)
        self._session.execute(
            statement.on_conflict_do_update(index_elements=["key"], set_={"value": value})
        )

    def unset(self, key: str) -> None:
        """Delete a named value."""
        self._session.execute(delete(SettingRow).where(SettingRow.key == key))

    def unset_others(self, prefix: str, kept: Sequence[str]) -> None:
        """Delete the named values that begin with a prefix, but for some."""
        begins = SettingRow.key.startswith(prefix, autoescape=True)
        self._session.execute(delete(SettingRow).where(begins, SettingRow.key.not_in(kept)))

    def put_encoder(self, name: str, fingerprint: str, dim: int, golden: Golden) -> int:
        """The id of an encoder's row; a new one keeps its embeddings of the golden pair."""
        query = select(EncoderRow.id).where(EncoderRow.fingerprint == fingerprint)
        found = self._session.scalar(query)
        if found is not None:
            return found
        row = EncoderRow(
            name=name,
            fingerprint=fingerprint,
            dim=dim,
            golden_image=pack(golden.image),
            golden_text=pack(golden.text),
        )
        self._session.add(row)
        self._session.flush()
        return row.id

    def put_golden(self, encoder_id: int, golden: Golden) -> None:
        """Keep what an encoder gives today."""
        values = {"golden_image": pack(golden.image), "golden_text": pack(golden.text)}
        self._session.execute(
            update(EncoderRow).where(EncoderRow.id == encoder_id).values(**values)
        )

    def drop_segments(self, files: Sequence[str]) -> None:
        """Forget files of the vector index: their rows are made again."""
        self._session.execute(delete(SegmentRow).where(SegmentRow.file.in_(files)))

    def put_segments(self, facts: str, segments: Sequence[tuple[str, str, bytes]]) -> None:
        """Replace what is known of the vector index on disk."""
        self.set(VECTORS, facts)
        self._session.execute(delete(SegmentRow))
        rows = [
            {"position": n, "file": file, "checksum": checksum, "keys": keys}
            for n, (file, checksum, keys) in enumerate(segments)
        ]
        if rows:
            self._session.execute(insert(SegmentRow), rows)

    def put_picture(self, folder_id: int, facts: PictureFacts) -> int:
        """Add a picture, or replace what is known of the file; its id."""
        return self.put_pictures(folder_id, [facts])[0]

    def put_pictures(self, folder_id: int, pictures: Sequence[PictureFacts]) -> list[int]:
        """Do so with many pictures of one folder; the id of each."""
        if pictures:
            values = [self._values(folder_id, facts) for facts in pictures]
            self._session.execute(_PUT_PICTURE, values)
        ids: dict[bytes, int] = {}
        for part in chunks([facts.relative for facts in pictures]):
            query = _PICTURE_IDS.where(
                _PICTURES.c.folder_id == folder_id, _PICTURES.c.relative.in_(part)
            )
            ids |= {row.relative: row.id for row in self._session.execute(query)}
        return [ids[facts.relative] for facts in pictures]

    def _values(self, folder_id: int, facts: PictureFacts) -> dict[str, object]:
        values: dict[str, object] = {name: getattr(facts, name) for name in facts.__slots__}
        return values | {
            "folder_id": folder_id,
            "state": FAILED if facts.reason else PRESENT,
            "revision": self.generation,
        }

    def put_captions(self, picture_id: int, captions: Iterable[Caption], *, embedded: bool) -> None:
        """Replace the captions that a picture carries, or those beside it."""
        self.put_captions_of({picture_id: captions}, embedded=embedded)

    def put_captions_of(self, captions: Mapping[int, Iterable[Caption]], *, embedded: bool) -> None:
        """Do so with many pictures."""
        if captions:
            carried = [{"picture": key, "carried": embedded} for key in captions]
            self._session.execute(_DROP_CAPTIONS, carried)
        rows = [
            {
                "picture_id": picture_id,
                "position": position,
                "text": caption.text,
                "text_hash": text_hash(caption.text),
                "source": caption.source,
                "embedded": embedded,
            }
            for picture_id, found in captions.items()
            for position, caption in enumerate(found)
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
            self._session.execute(_PUT_EMBEDDING, values)

    def touch(self, picture_ids: Sequence[int]) -> None:
        """Note that the fused rows of these pictures are out of date."""
        self._set(picture_ids, revision=self.generation)

    def mark_missing(self, picture_ids: Sequence[int]) -> None:
        """Take pictures out of the results; what is known of them is kept."""
        self._set(picture_ids, state=MISSING, revision=self.generation)

    def mark_present(self, picture_ids: Sequence[int]) -> None:
        """Pictures that were missing are there again, unchanged."""
        self._set(picture_ids, state=PRESENT, revision=self.generation)

    def rebuild_trees(self) -> None:
        """Build SQLite's search trees again from the rows."""
        self._session.execute(text("REINDEX"))

    def renew_words(self, picture_ids: Sequence[int]) -> None:
        """Let the words of these pictures be indexed again when the batch ends."""
        rows = [{"picture": key} for key in picture_ids]
        self._session.execute(text("INSERT OR IGNORE INTO stale_words VALUES (:picture)"), rows)

    def delete_rows(self, rows: Sequence[tuple[str, int]]) -> None:
        """Delete rows, each named by its table and number."""
        for table, row in rows:
            statement = text(f'DELETE FROM "{table}" WHERE rowid = :row')
            self._session.execute(statement, {"row": row})

    def look_again(self, picture_ids: Sequence[int]) -> None:
        """Let the next run of indexing take these pictures for changed ones."""
        self._set(picture_ids, mtime_ns=NEVER)

    def look_again_without(self, encoder_id: int) -> None:
        """The same for all pictures that lack an embedding of this encoder, captions too."""
        incomplete = ~_has_embedding(encoder_id) | _has_bare_caption(encoder_id)
        self._session.execute(update(PictureRow).where(incomplete).values(mtime_ns=NEVER))

    def forget_unused_embeddings(self) -> None:
        """Delete embeddings of contents and texts that no picture has any more."""
        for part in unused_parts():
            self._session.execute(delete(EmbeddingRow).where(part))

    def forget_other_encoders(self, encoder_id: int) -> None:
        """Delete all encoders but one, with their embeddings."""
        self._session.execute(delete(EncoderRow).where(EncoderRow.id != encoder_id))

    def forget_pictures(self, picture_ids: Sequence[int]) -> None:
        """Delete what is known of pictures; their embeddings stay."""
        for part in chunks(picture_ids):
            self._session.execute(delete(PictureRow).where(PictureRow.id.in_(part)))

    def _set(self, picture_ids: Sequence[int], **values: object) -> None:
        for part in chunks(picture_ids):
            self._session.execute(
                update(PictureRow).where(PictureRow.id.in_(part)).values(**values)
            )


def _has_embedding(encoder_id: int) -> ColumnElement[bool]:
    """Whether a picture's content has an image embedding of an encoder."""
    e = EmbeddingRow
    return exists().where(
        e.encoder_id == encoder_id, e.modality == IMAGE, e.hash == PictureRow.content_hash
    )


def _has_bare_caption(encoder_id: int) -> ColumnElement[bool]:
    """Whether a picture has a caption whose text lacks an embedding of an encoder."""
    e = EmbeddingRow
    embedded = exists().where(
        e.encoder_id == encoder_id, e.modality == TEXT, e.hash == CaptionRow.text_hash
    )
    return exists().where(CaptionRow.picture_id == PictureRow.id, ~embedded)
