"""Embeddings of pictures and captions, found by content or by picture, in plain SQL."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.tables import Tables, chunks
from indexer.catalogue.values import LATEST, NEVER, PRESENT, unpack
from indexer.embedding import IMAGE, TEXT, PictureFeatures, Rows, unit_rows
from indexer.kinds.members import facts_of

# Joined to pictures p or captions c: the embedding of an encoder, NULL if it has none.
_IMAGE_ROW = f"""
    LEFT JOIN embeddings e ON e.encoder_id = ? AND e.modality = '{IMAGE}'
        AND e.hash = p.content_hash"""
_TEXT_ROW = f"""
    LEFT JOIN embeddings e ON e.encoder_id = ? AND e.modality = '{TEXT}' AND e.hash = c.text_hash"""
UNUSED = tuple(  # conditions for embeddings, one a modality, that belong to nothing any more
    f"modality = '{modality}' AND hash NOT IN (SELECT {column} FROM {table} "
    f"WHERE {column} IS NOT NULL)"
    for modality, table, column in (
        (IMAGE, "pictures", "content_hash"),
        (TEXT, "captions", "text_hash"),
    )
)


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A picture's file as it was when it was indexed."""

    path: bytes
    size: int
    mtime_ns: int

    @property
    def waits(self) -> bool:
        """Whether the next run of indexing looks at it in any case."""
        return self.mtime_ns == NEVER

    def is_as_indexed(self) -> bool:
        """Whether size and time of change are still the same."""
        try:
            now = facts_of(self.path)
        except OSError:
            return False
        return (now.size, min(now.mtime_ns, LATEST)) == (self.size, self.mtime_ns)


class EmbeddingLookup(Tables):
    """Read access to the embeddings of one library."""

    def of_contents(
        self, encoder_id: int, modality: str, hashes: Collection[bytes]
    ) -> dict[bytes, bytes]:
        """Embeddings as stored, by content."""
        query = """
            SELECT hash, vector FROM embeddings
            WHERE encoder_id = ? AND modality = ? AND hash IN (:keys)"""
        return dict(self.rows_in(query, hashes, encoder_id, modality))

    def of_pixels(self, encoder_id: int, hashes: Collection[bytes]) -> dict[bytes, bytes]:
        """Embeddings of pictures as stored, by the hash of their pixels."""
        query = "SELECT content_hash, pixels_hash FROM pictures WHERE pixels_hash IN (:keys)"
        contents = dict(self.rows_in(query, hashes))
        rows = self.of_contents(encoder_id, IMAGE, contents)
        return {contents[content]: row for content, row in rows.items()}

    def stored(self, encoder_id: int, modality: str, hashes: Collection[bytes]) -> set[bytes]:
        """Those of the contents that have an embedding already."""
        query = """
            SELECT hash FROM embeddings
            WHERE encoder_id = ? AND modality = ? AND hash IN (:keys)"""
        return {row[0] for row in self.rows_in(query, hashes, encoder_id, modality)}

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
        captions = list(self.rows_in(texts, ids))
        # No joins: SQLite might go through all embeddings for them, to find those of a few.
        rows = self.of_contents(encoder_id, IMAGE, {content for _, content in contents})
        words = self.of_contents(encoder_id, TEXT, {text for _, text in captions})
        return _assembled(
            [(key, rows[content]) for key, content in contents if content in rows],
            [(key, words[text]) for key, text in captions if text in words],
            dim,
        )

    def caption_embeddings(
        self, encoder_id: int, dim: int, ids: Sequence[int]
    ) -> tuple[NDArray[np.int64], Rows]:
        """The owner of each different caption of pictures (m,), and its embedding (m, dim)."""
        query = f"""
            SELECT c.picture_id, c.text_hash, e.vector FROM captions c
            JOIN embeddings e ON e.hash = c.text_hash AND e.modality = '{TEXT}'
            WHERE e.encoder_id = ? AND c.picture_id IN (:keys)
            ORDER BY c.picture_id, c.embedded, c.position"""
        vectors: dict[tuple[int, bytes], bytes] = {}
        for owner, key, vector in self.rows_in(query, ids, encoder_id):
            vectors.setdefault((owner, key), vector)
        owners = np.array([owner for owner, _ in vectors], dtype=np.int64)
        return owners, unit_rows(unpack(list(vectors.values()), dim))

    def contents_of_sizes(
        self, encoder_id: int, sizes: Collection[int]
    ) -> dict[int, frozenset[bytes]]:
        """By size in bytes: contents that need not be opened: embedded, or known as unreadable.

        Those that an optional decoder could read are opened: it may be installed by now.
        """
        query = f"""
            SELECT p.size, p.content_hash FROM pictures p {_IMAGE_ROW}
            WHERE p.content_hash IS NOT NULL
            AND (p.reason NOT LIKE '%(pip install %' OR (e.id IS NOT NULL AND p.format IS NOT NULL))
            AND p.size IN (:keys)"""
        contents: dict[int, set[bytes]] = {}
        for size, content in self.rows_in(query, sizes, encoder_id):
            contents.setdefault(size, set()).add(content)
        return {size: frozenset(own) for size, own in contents.items()}

    def pictures_without(self, encoder_id: int | None) -> list[tuple[bytes, StoredFile]]:
        """The present pictures that lack an embedding of an encoder, each with its content.

        None stands for an encoder without embeddings: all present pictures.
        """
        query = f"""
            SELECT p.content_hash, f.path, p.relative, p.size, p.mtime_ns
            FROM pictures p JOIN folders f ON f.id = p.folder_id {_IMAGE_ROW}
            WHERE p.state = ? AND e.id IS NULL"""
        return [
            (content, StoredFile(os.path.join(folder, relative), size, mtime_ns))
            for content, folder, relative, size, mtime_ns in self.rows(query, encoder_id, PRESENT)
        ]

    def texts_without(self, encoder_id: int, size: int) -> Iterator[tuple[int, dict[bytes, str]]]:
        """Captions that lack an embedding of an encoder, in runs by their hash.

        Each run comes with the number of captions that lack one, from it on.
        """
        lacking = f"FROM captions c {_TEXT_ROW} WHERE e.id IS NULL AND c.id > ?"
        query = f"SELECT c.id, c.text_hash, c.text {lacking} ORDER BY c.id LIMIT ?"
        last = 0
        while True:
            ((left,),) = self.rows(f"SELECT count(*) {lacking}", encoder_id, last)
            rows = self.rows(query, encoder_id, last, size)
            if not rows:
                return
            last = rows[-1][0]
            yield left, {key: text for _, key, text in rows}

    def captions_without(self, encoder_id: int) -> list[tuple[int, str]]:
        """Captions of present pictures that lack an embedding: picture and text.

        Pictures that wait to be indexed again are left out.
        """
        query = f"""
            SELECT c.picture_id, c.text
            FROM captions c JOIN pictures p ON p.id = c.picture_id {_TEXT_ROW}
            WHERE e.id IS NULL AND p.state = ? AND p.mtime_ns != ?"""
        return self.rows(query, encoder_id, PRESENT, NEVER)

    def count(self, encoder_id: int) -> int:
        """The number of embeddings of an encoder."""
        query = "SELECT count(*) FROM embeddings WHERE encoder_id = ?"
        return int(self.rows(query, encoder_id)[0][0])

    def raw(self, encoder_id: int, size: int = 5000) -> Iterator[list[tuple[int, bytes]]]:
        """All embeddings of an encoder in runs, each with the number of its row."""
        query = """
            SELECT id, vector FROM embeddings WHERE encoder_id = ? AND id > ?
            ORDER BY id LIMIT ?"""
        last = 0
        while rows := self.rows(query, encoder_id, last, size):
            last = rows[-1][0]
            yield rows

    def unused(self) -> int:
        """The number of embeddings that belong to no picture and to no caption."""
        query = "SELECT count(*) FROM embeddings WHERE"
        return sum(self.rows(f"{query} {condition}")[0][0] for condition in UNUSED)


def _assembled(
    images: Sequence[tuple[int, bytes]], texts: Sequence[tuple[int, bytes]], dim: int
) -> PictureFeatures:
    """Rows of both modalities, lined up by picture."""
    position = {key: n for n, (key, _) in enumerate(images)}
    captions = [(position[key], vector) for key, vector in texts if key in position]
    owners = np.array([n for n, _ in captions], dtype=np.int64)
    v_t = np.zeros((len(images), dim), np.float32)
    np.add.at(v_t, owners, unpack([vector for _, vector in captions], dim))
    has_caption = np.zeros(len(images), np.bool_)
    has_caption[owners] = True
    v_i = unit_rows(unpack([vector for _, vector in images], dim))
    return PictureFeatures(
        np.array(list(position), dtype=np.int64), v_i, unit_rows(v_t), has_caption
    )
