"""Changes to the pictures of a library and to their captions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import ColumnElement, bindparam, delete, exists, select, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.captions import Caption
from indexer.catalogue.lookup.tables import chunks
from indexer.catalogue.picture_facts import PictureFacts
from indexer.catalogue.schema import Base, CaptionRow, EmbeddingRow, PictureRow
from indexer.catalogue.values import MISSING, NEVER, PRESENT, state_of, text_hash
from indexer.embedding import IMAGE, TEXT
from indexer.metadata.fact import Fact
from indexer.metadata.fields import VERSION

# Made once: building a statement takes several times as long as SQLite takes to carry it out.
_PICTURES, _CAPTIONS, _FACTS = (
    Base.metadata.tables[name] for name in ("pictures", "captions", "facts")
)
_NEW = insert(_PICTURES)
_PUT = _NEW.on_conflict_do_update(
    index_elements=["folder_id", "relative"],
    set_={c.name: _NEW.excluded[c.name] for c in _PICTURES.c if c.name != "id"},
)
_IDS = select(_PICTURES.c.relative, _PICTURES.c.id)
_DROP_CAPTIONS = delete(_CAPTIONS).where(
    _CAPTIONS.c.picture_id == bindparam("picture"), _CAPTIONS.c.embedded == bindparam("carried")
)
_PUT_CAPTION = insert(_CAPTIONS)
_DROP_FACTS = delete(_FACTS).where(_FACTS.c.picture_id == bindparam("picture"))
_PUT_FACT = insert(_FACTS)


class PictureChanges:
    """The pictures and captions in a batch; `generation` is the library's after it."""

    def __init__(self, session: Session, generation: int) -> None:
        self._session = session
        self._generation = generation

    def put(self, folder_id: int, pictures: Sequence[PictureFacts]) -> list[int]:
        """Add or update pictures of one folder; returns their ids in order."""
        return self.put_rows(folder_id, [_columns(facts) for facts in pictures])

    def put_rows(self, folder_id: int, rows: Sequence[Mapping[str, object]]) -> list[int]:
        """The same with the columns of pictures, from the relative path to the reason."""
        if rows:
            mine = {"folder_id": folder_id, "revision": self._generation}
            self._session.execute(_PUT, [{**row, **mine} for row in rows])
        ids: dict[object, int] = {}
        for part in chunks([row["relative"] for row in rows]):
            query = _IDS.where(_PICTURES.c.folder_id == folder_id, _PICTURES.c.relative.in_(part))
            ids |= {row.relative: row.id for row in self._session.execute(query)}
        return [ids[row["relative"]] for row in rows]

    def put_captions(self, captions: Mapping[int, Iterable[Caption]], *, embedded: bool) -> None:
        """Replace the captions that pictures carry, or those beside them, by picture."""
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
            for picture_id, own in captions.items()
            for position, caption in enumerate(own)
        ]
        if rows:
            self._session.execute(_PUT_CAPTION, rows)

    def put_facts(self, facts: Mapping[int, Mapping[str, Sequence[Fact]]]) -> None:
        """Replace the facts of pictures, which are given by picture and origin."""
        if facts:
            self._session.execute(_DROP_FACTS, [{"picture": key} for key in facts])
        rows = [
            {
                "picture_id": picture_id,
                "position": position,
                "field": fact.field,
                "value": fact.value,
                "source": fact.source,
                "origin": origin,
            }
            for picture_id, origins in facts.items()
            for origin, own in origins.items()
            for position, fact in enumerate(own)
        ]
        if rows:
            self._session.execute(_PUT_FACT, rows)

    def touch(self, picture_ids: Sequence[int]) -> None:
        """Note that the fused rows of these pictures are out of date."""
        self._set(picture_ids, revision=self._generation)

    def mark_missing(self, picture_ids: Sequence[int]) -> None:
        """Hide pictures from the results; their rows are kept."""
        self._set(picture_ids, state=MISSING, revision=self._generation)

    def mark_present(self, picture_ids: Sequence[int]) -> None:
        """Restore pictures that were missing and are back, unchanged."""
        self._set(picture_ids, state=PRESENT, revision=self._generation)

    def recheck(self, picture_ids: Sequence[int]) -> None:
        """Let the next run of indexing treat these pictures as changed."""
        self._set(picture_ids, mtime_ns=NEVER)

    def read_metadata_again(self) -> None:
        """Let the next run of indexing read what pictures carry again."""
        self._session.execute(update(PictureRow).values(metadata_version=None))

    def recheck_unembedded(self, encoder_id: int) -> None:
        """The same for all pictures that lack an embedding of this encoder, captions too."""
        incomplete = ~_has_embedding(encoder_id) | _has_bare_caption(encoder_id)
        self._session.execute(update(PictureRow).where(incomplete).values(mtime_ns=NEVER))

    def reindex_words(self, picture_ids: Sequence[int]) -> None:
        """Let the words of these pictures be indexed again when the batch ends."""
        rows = [{"picture": key} for key in picture_ids]
        self._session.execute(text("INSERT OR IGNORE INTO stale_words VALUES (:picture)"), rows)

    def forget(self, picture_ids: Sequence[int]) -> None:
        """Delete the rows of pictures; their embeddings stay."""
        for part in chunks(picture_ids):
            self._session.execute(delete(PictureRow).where(PictureRow.id.in_(part)))

    def _set(self, picture_ids: Sequence[int], **values: object) -> None:
        for part in chunks(picture_ids):
            self._session.execute(
                update(PictureRow).where(PictureRow.id.in_(part)).values(**values)
            )


def _columns(facts: PictureFacts) -> dict[str, object]:
    return (
        facts.content.columns
        | facts.settled.columns
        | {
            "metadata_version": VERSION,
            "relative": facts.relative,
            "size": facts.size,
            "mtime_ns": facts.mtime_ns,
            "content_hash": facts.content_hash,
            "state": state_of(facts.content.reason),
        }
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
