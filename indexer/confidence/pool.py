"""The captioned pictures that a calibration asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.catalogue.lookup.embeddings import PictureEmbeddings
from indexer.catalogue.lookup.pictures import Lookup
from indexer.catalogue.values import text_hash, unpack
from indexer.embedding import TEXT, PictureFeatures, Rows, unit_rows
from indexer.settings import LibrarySettings

Ints = NDArray[np.int64]


class Captions(Protocol):
    """What a library knows of its pictures."""

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
    """Pictures and their captions: `v_i` (n, dim); `v_t` (m, dim) and `texts` of all captions.

    Those of picture k are the rows from `starts[k]` to `starts[k + 1]`, at least one.
    """

    v_i: Rows
    v_t: Rows
    texts: tuple[str, ...]
    starts: Ints

    def __len__(self) -> int:
        return len(self.v_i)

    @property
    def counts(self) -> Ints:
        """How many captions each picture has, (n,)."""
        return np.diff(self.starts)

    def captions(self, picture: int) -> Ints:
        """The captions of a picture, as rows of `v_t`."""
        return np.arange(self.starts[picture], self.starts[picture + 1])

    def take(self, pictures: Ints) -> Pool:
        """The pool of some pictures, in their order."""
        rows = np.concatenate([np.zeros(0, np.int64), *(self.captions(k) for k in pictures)])
        starts = np.concatenate([[0], np.cumsum(self.counts[pictures])]).astype(np.int64)
        texts = tuple(self.texts[row] for row in rows)
        return Pool(self.v_i[pictures], self.v_t[rows], texts, starts)


def read_pool(library: Captions, ids: Ints) -> Pool:
    """The captioned ones of these pictures; captions that are not embedded are left out."""
    found, dim = library.embedded(ids.tolist()), library.settings.dim
    shown = library.catalogue.pictures(found.ids.tolist())
    hashes = {text_hash(text) for picture in shown.values() for text in picture.captions}
    known = library.embeddings.of_contents(library.encoder_id, TEXT, hashes)
    texts: list[str] = []
    counts, kept = [], []
    for place, key in enumerate(found.ids.tolist()):
        captions = shown[key].captions if key in shown else ()
        embedded = [text for text in captions if text_hash(text) in known]
        if embedded:
            texts += embedded
            counts.append(len(embedded))
            kept.append(place)
    v_t = unit_rows(unpack([known[text_hash(text)] for text in texts], dim))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Pool(found.v_i[kept], v_t, tuple(texts), starts)
