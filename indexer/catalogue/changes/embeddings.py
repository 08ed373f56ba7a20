"""Changes to the encoders of a library and to their embeddings."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.orm import Session

from indexer.catalogue.lookup.embeddings import UNUSED
from indexer.catalogue.schema import Base, EncoderRow
from indexer.catalogue.values import pack
from indexer.embedding import Golden, Rows

# Made once: building a statement takes several times as long as SQLite takes to carry it out.
_PUT = insert(Base.metadata.tables["embeddings"]).on_conflict_do_nothing()


class EmbeddingChanges:
    """The encoders and embeddings in a batch."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def put(self, encoder_id: int, modality: str, hashes: Sequence[bytes], rows: Rows) -> None:
        """Store embeddings (n, dim) of contents; those already stored are kept."""
        values = [
            {"encoder_id": encoder_id, "modality": modality, "hash": key, "vector": pack(row)}
            for key, row in zip(hashes, rows, strict=True)
        ]
        if values:
            self._session.execute(_PUT, values)

    def forget_unused(self) -> None:
        """Delete embeddings of contents and texts that no picture has any more."""
        for condition in UNUSED:
            self._session.execute(text(f"DELETE FROM embeddings WHERE {condition}"))

    def put_encoder(self, name: str, fingerprint: str, dim: int, golden: Golden | None) -> int:
        """The id of an encoder's row; a new one keeps its embeddings of the golden pair."""
        query = select(EncoderRow.id).where(EncoderRow.fingerprint == fingerprint)
        known = self._session.scalar(query)
        if known is not None:
            return known
        row = EncoderRow(
            name=name,
            fingerprint=fingerprint,
            dim=dim,
            golden_image=None if golden is None else pack(golden.image),
            golden_text=None if golden is None else pack(golden.text),
        )
        self._session.add(row)
        self._session.flush()
        return row.id

    def put_golden(self, encoder_id: int, golden: Golden) -> None:
        """Keep an encoder's present embeddings of the golden pair."""
        values = {"golden_image": pack(golden.image), "golden_text": pack(golden.text)}
        self._session.execute(
            update(EncoderRow).where(EncoderRow.id == encoder_id).values(**values)
        )

    def forget_other_encoders(self, encoder_id: int) -> None:
        """Delete all encoders except one, with their embeddings."""
        self._session.execute(delete(EncoderRow).where(EncoderRow.id != encoder_id))
