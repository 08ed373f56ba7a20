"""An encoder for many threads: their simultaneous requests are encoded together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.encoders.batching import Batcher
from indexer.encoders.lexicon import Lexicon
from indexer.encoders.protocol import Encoder, LimitedEncoder, Pixels, TranslatingEncoder
from indexer.pictures.transform import ImageTransform

MOST_TEXTS, MOST_PICTURES = 32, 8  # in a batch; more take more memory and are no faster


class BatchingEncoder:
    """An encoder for many threads: it encodes their simultaneous requests together.

    `observe` is told the kind ("texts" or "pictures") and the size of each batch.
    """

    def __init__(self, encoder: Encoder, observe: Callable[[str, int], None]) -> None:
        self.inner = encoder
        self.languages = getattr(encoder, "languages", None)
        self._texts: Batcher[str, NDArray[np.float32]] = Batcher(
            lambda texts: list(encoder.encode_texts(texts)),
            MOST_TEXTS,
            lambda size: observe("texts", size),
        )
        self._pictures: Batcher[NDArray[np.uint8], NDArray[np.float32]] = Batcher(
            lambda images: list(encoder.encode_images(np.stack(images))),
            MOST_PICTURES,
            lambda size: observe("pictures", size),
        )

    @property
    def name(self) -> str:
        """Name of the encoder."""
        return self.inner.name

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the encoder."""
        return self.inner.fingerprint

    @property
    def dim(self) -> int:
        """Width of the space."""
        return self.inner.dim

    @property
    def transform(self) -> ImageTransform:
        """Preparation of pictures."""
        return self.inner.transform

    @property
    def means(self) -> Mapping[str, NDArray[np.float32]]:
        """Mean row of each modality."""
        return self.inner.means

    @property
    def lexicons(self) -> Sequence[Lexicon]:
        """Lexicons of the languages in which queries are read; none for most encoders."""
        return self.inner.lexicons if isinstance(self.inner, TranslatingEncoder) else ()

    def encode_images(self, images: Pixels) -> Rows:
        """Rows (n, dim) of pixels (n, size, size, 3)."""
        return self._stacked(self._pictures(list(images)) if len(images) else [])

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Rows (n, dim) of sentences."""
        return self._stacked(self._texts(list(texts)) if texts else [])

    def unread(self, text: str) -> str:
        """The end of a text that the encoder does not read; empty if it reads all."""
        return self.inner.unread(text) if isinstance(self.inner, LimitedEncoder) else ""

    def _stacked(self, rows: Sequence[NDArray[np.float32]]) -> Rows:
        return np.stack([np.zeros(self.dim, np.float32), *rows])[1:]
