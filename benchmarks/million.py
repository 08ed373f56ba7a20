"""Embeddings of photographs, extended to any number: neighbours mixed, with their own spread.

An added picture lies between a photograph's view and one of its neighbours, moved at random in the
directions in which the neighbours differ (noise of the local covariance), its caption likewise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray
from photograph_views import Views

from indexer.embedding import PictureFeatures, unit_rows
from indexer.encoders import Encoder
from indexer.fusion import Concat
from indexer.library.segments import SEGMENT
from indexer.vectors.blocks import MappedBlock, RowBlock, write_block
from indexer.vectors.compressed import CompressedIndex, CompressedState
from indexer.vectors.index import KeyedBlock, VectorIndex
from indexer.vectors.keys import Ids

NEIGHBOURS = 8
NOISE = 0.7  # of the spread of the neighbours
_AT_ONCE = 2048


class Room:
    """A folder with the rows of many pictures, as a library keeps them, but without a catalogue."""

    def __init__(self, path: Path, encoder: Encoder) -> None:
        self.path = path
        self.encoder = encoder

    def fill(self, views: Views, rows: int) -> None:
        """Write the rows of all views, and of as many more pictures as are wanted."""
        files, blocks = [], []
        keys: list[Ids] = []
        for v_i, v_t, has_caption in pictures(views, rows):
            fused = Concat().pictures(v_i, v_t, has_caption).astype(np.float16)
            blocks.append((RowBlock.of(fused, has_caption, Concat()), has_caption))
            if len(blocks) * _AT_ONCE >= SEGMENT:
                files.append(self._write(blocks, keys))
                blocks = []
        if blocks:
            files.append(self._write(blocks, keys))
        (self.path / "rows.json").write_text(json.dumps(files))

    def _write(
        self, blocks: list[tuple[RowBlock, NDArray[np.bool_]]], keys: list[Ids]
    ) -> tuple[str, str]:
        written = write_block(self.path, RowBlock.joined([block for block, _ in blocks]))
        has_caption = np.concatenate([has for _, has in blocks])
        ids = np.arange(len(has_caption)) + 1 + sum(map(len, keys))
        keys.append(np.where(has_caption, ids, ~ids))
        np.save(self.path / f"{written[0]}.npy", keys[-1])
        return written

    def vectors(self) -> VectorIndex:
        """The index of all rows, mapped."""
        width, blocks = Concat().width(self.encoder.dim), []
        for file, checksum in json.loads((self.path / "rows.json").read_text()):
            block = MappedBlock(self.path / file, width, Concat(), checksum)
            blocks.append(KeyedBlock(block, np.load(self.path / f"{file}.npy")))
        facts = self.compressed
        found = CompressedIndex(self.path, facts) if facts.usable else None
        return VectorIndex(Concat(), width, blocks, found)

    @property
    def compressed(self) -> CompressedState:
        """What is known of the compressed index."""
        path = self.path / "compressed.json"
        return CompressedState.from_json(path.read_text() if path.exists() else None, "")

    def put_compressed(self, facts: CompressedState) -> None:
        """Note what is on disk."""
        (self.path / "compressed.json").write_text(facts.to_json())

    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
        """Embeddings of pictures, from their rows."""
        index = self.vectors()
        positions = index.positions(np.array(picture_ids, np.int64))
        keys = index.keys_at(positions)
        v_i, v_t = np.split(index.take(positions), 2, axis=1)
        return PictureFeatures(
            np.where(keys < 0, ~keys, keys), unit_rows(v_i), unit_rows(v_t), keys >= 0
        )


def pictures(
    views: Views, rows: int
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]]:
    """`v_i`, `v_t` and which have a caption, of the views and then of added pictures, in runs."""
    v_i, v_t = (rows.astype(np.float32) for rows in (views.v_i, views.v_t))
    real = min(rows, len(v_i))
    for start in range(0, real, _AT_ONCE):
        part = slice(start, min(real, start + _AT_ONCE))
        yield unit_rows(v_i[part]), unit_rows(v_t[part]), views.has_caption[part]
    if rows <= real:
        return
    near, random = _neighbours(unit_rows(v_i + v_t)), np.random.default_rng(0)
    for start in range(real, rows, _AT_ONCE):
        n = min(_AT_ONCE, rows - start)
        chosen = random.integers(0, real, n)
        around = near[chosen]
        toward = around[np.arange(n), random.integers(0, NEIGHBOURS, n)]
        share = random.uniform(0, 0.5, (n, 1)).astype(np.float32)
        spread = random.standard_normal((n, 1, NEIGHBOURS), np.float32) * NOISE / NEIGHBOURS**0.5
        spread -= spread.mean(axis=2, keepdims=True)
        moved = (
            (1 - share) * v[chosen] + share * v[toward] + (spread @ v[around])[:, 0]
            for v in (v_i, v_t)
        )
        has_caption = views.has_caption[chosen]
        images, texts = (unit_rows(rows) for rows in moved)
        yield images, np.where(has_caption[:, None], texts, np.float32(0)), has_caption


def _neighbours(fused: NDArray[np.float32]) -> NDArray[np.int64]:
    """The nearest other views of each, (n, NEIGHBOURS)."""
    _, found = faiss.knn(fused, fused, NEIGHBOURS + 1, metric=faiss.METRIC_INNER_PRODUCT)
    near: NDArray[np.int64] = found[:, 1:]
    return near
