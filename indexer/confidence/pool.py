"""The captioned pictures that a calibration is fitted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from indexer.catalogue.lookup.embeddings import PictureEmbeddings
from indexer.catalogue.lookup.pictures import Lookup
from indexer.catalogue.values import text_hash, unpack
from indexer.embedding import TEXT, Ints, PictureFeatures, Rows, unit_rows
from indexer.settings import LibrarySettings


class Captions(Protocol):
    """A library whose captions can be read."""

    @property
    def catalogue(self) -> Lookup: ...
    @property
    def embeddings(self) -> PictureEmbeddings: ...
    @property
    def encoder_id(self) -> int: ...
    @property
    def settings(self) -> LibrarySettings: ...
    def embedded(self, picture_ids: Sequence[int]) -> PictureFeatures:
        """Independent features of pictures."""
        ...


@dataclass(frozen=True, slots=True)
class Pool:
    """Pictures `v_i` (n, dim) with all their captions: `v_t` (m, dim) and `texts`.

    The captions of picture k are the rows from `starts[k]` to `starts[k + 1]`, at least one.
    """

    v_i: Rows
    v_t: Rows
    texts: tuple[str, ...]
    starts: Ints

    def __len__(self) -> int:
        return len(self.v_i)

    @property
    def counts(self) -> Ints:
        """Number of captions of each picture, (n,)."""
        return np.diff(self.starts)

    def captions(self, picture: int) -> Ints:
        """Rows of `v_t` of a picture's captions."""
        return np.arange(self.starts[picture], self.starts[picture + 1])

    def take(self, pictures: Ints) -> Pool:
        """Return the pool of some pictures, in the given order."""
        rows = np.concatenate([np.zeros(0, np.int64), *(self.captions(k) for k in pictures)])
        starts = np.concatenate([[0], np.cumsum(self.counts[pictures])]).astype(np.int64)
        texts = tuple(self.texts[row] for row in rows)
        return Pool(self.v_i[pictures], self.v_t[rows], texts, starts)


def read_pool(library: Captions, ids: Ints) -> Pool:
    """Read those of these pictures that have a caption; skips captions without an embedding."""
    features, dim = library.embedded(ids.tolist()), library.settings.dim
    pictures = library.catalogue.pictures(features.ids.tolist())
    hashes = {text_hash(text) for picture in pictures.values() for text in picture.captions}
    vectors = library.embeddings.of_contents(library.encoder_id, TEXT, hashes)
    texts: list[str] = []
    counts, rows = [], []
    for row, key in enumerate(features.ids.tolist()):
        captions = pictures[key].captions if key in pictures else ()
        embedded = [text for text in captions if text_hash(text) in vectors]
        if embedded:
            texts += embedded
            counts.append(len(embedded))
            rows.append(row)
    v_t = unit_rows(unpack([vectors[text_hash(text)] for text in texts], dim))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Pool(features.v_i[rows], v_t, tuple(texts), starts)
