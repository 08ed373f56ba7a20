"""The embeddings of pictures, found by content: what a query and a fusion read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from indexer.catalogue.lookup.tables import Tables, chunks
from indexer.catalogue.values import unpack
from indexer.embedding import IMAGE, TEXT, PictureFeatures, unit_rows


class PictureEmbeddings(Tables):
    """Read access to the embeddings of pictures and of their captions."""

    def of_contents(
        self, encoder_id: int, modality: str, hashes: Collection[bytes]
    ) -> dict[bytes, bytes]:
        """Stored rows as they are, by content."""
        query = """
            SELECT hash, vector FROM embeddings
            WHERE encoder_id = ? AND modality = ? AND hash IN (:keys)"""
        return dict(self.rows_in(query, hashes, encoder_id, modality))

    def embedded(self, encoder_id: int, dim: int, ids: Sequence[int]) -> PictureFeatures:
        """Embeddings of pictures; those without an image embedding are left out.

        `v_t` is the normalised mean of the embeddings of a picture's different captions.
        """
        parts = [self._embedded(encoder_id, dim, part) for part in chunks(ids)]
        if not parts:
            parts = [self._embedded(encoder_id, dim, [])]
        return PictureFeatures(
            np.concatenate([p.ids for p in parts]),
            np.concatenate([p.v_i for p in parts]),
            np.concatenate([p.v_t for p in parts]),
            np.concatenate([p.has_caption for p in parts]),
        )

    def _embedded(self, encoder_id: int, dim: int, ids: Sequence[int]) -> PictureFeatures:
        images = "SELECT id, content_hash FROM pictures WHERE id IN (:keys) ORDER BY id"
        # Equal texts of two sources share a hash and count once.
        texts = """
            SELECT DISTINCT picture_id, text_hash FROM captions WHERE picture_id IN (:keys)
            ORDER BY picture_id, text_hash"""
        contents = [(key, content) for key, content in self.rows_in(images, ids) if content]
        said = list(self.rows_in(texts, ids))
        # No joins: SQLite might go through all embeddings for them, to find those of a few.
        rows = self.of_contents(encoder_id, IMAGE, {content for _, content in contents})
        words = self.of_contents(encoder_id, TEXT, {text for _, text in said})
        return _assembled(
            [(key, rows[content]) for key, content in contents if content in rows],
            [(key, words[text]) for key, text in said if text in words],
            dim,
        )


def _assembled(
    images: Sequence[tuple[int, bytes]], texts: Sequence[tuple[int, bytes]], dim: int
) -> PictureFeatures:
    """Rows of both modalities, lined up by picture."""
    position = {key: n for n, (key, _) in enumerate(images)}
    kept = [(position[key], vector) for key, vector in texts if key in position]
    owners = np.array([n for n, _ in kept], dtype=np.int64)
    v_t = np.zeros((len(images), dim), np.float32)
    np.add.at(v_t, owners, unpack([vector for _, vector in kept], dim))
    has_caption = np.zeros(len(images), np.bool_)
    has_caption[owners] = True
    v_i = unit_rows(unpack([vector for _, vector in images], dim))
    return PictureFeatures(
        np.array(list(position), dtype=np.int64), v_i, unit_rows(v_t), has_caption
    )
