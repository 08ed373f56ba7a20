"""Batching: what many threads ask at once is done together."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows
from indexer.encoders.lexicon import Lexicon
from indexer.encoders.protocol import Encoder, LimitedEncoder, Pixels, TranslatingEncoder
from indexer.pictures.transform import ImageTransform

T = TypeVar("T")
R = TypeVar("R")
MOST_TEXTS, MOST_PICTURES = 32, 8  # in a batch; more take more memory and are no faster


@dataclass(slots=True, eq=False)
class _Waiting(Generic[T, R]):
    """Items of one thread, and their results in time."""

    items: Sequence[T]
    results: Future[Sequence[R]] = field(default_factory=Future)


class Batcher(Generic[T, R]):
    """Runs items of many threads together: while a batch runs, the next one gathers.

    Nothing waits for company, so a lone caller loses no time. `run` makes one result of each item;
    `observe` is told the size of each batch.
    """

    def __init__(
        self,
        run: Callable[[Sequence[T]], Sequence[R]],
        most: int,
        observe: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._run, self._most, self._observe = run, most, observe
        self._waiting: deque[_Waiting[T, R]] = deque()
        self._turn = threading.Lock()

    def __call__(self, items: Sequence[T]) -> Sequence[R]:
        """The results of items, in their order; raises what `run` raises."""
        own: _Waiting[T, R] = _Waiting(items)
        self._waiting.append(own)
        with self._turn:  # whoever has the turn also works for those that wait for it
            while not own.results.done():
                self._run_batch()
        return own.results.result()

    def _run_batch(self) -> None:
        batch = [self._waiting.popleft()]
        size = len(batch[0].items)
        while self._waiting and size + len(self._waiting[0].items) <= self._most:
            batch.append(self._waiting.popleft())
            size += len(batch[-1].items)
        self._observe(size)
        try:
            self._settle(batch)
        except Exception:
            for one in batch:  # alone, so that an error reaches only the thread that caused it
                self._settle_alone(one)

    def _settle(self, batch: Sequence[_Waiting[T, R]]) -> None:
        results = self._run([item for one in batch for item in one.items])
        start = 0
        for one in batch:
            one.results.set_result(results[start : start + len(one.items)])
            start += len(one.items)

    def _settle_alone(self, one: _Waiting[T, R]) -> None:
        try:
            self._settle([one])
        except Exception as error:
            one.results.set_exception(error)


class BatchingEncoder:
    """An encoder for many threads, which encodes together what they ask at the same time.

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
        return self._stacked(self._pictures(list(images))) if len(images) else self._stacked([])

    def encode_texts(self, texts: Sequence[str]) -> Rows:
        """Rows (n, dim) of sentences."""
        return self._stacked(self._texts(list(texts))) if texts else self._stacked([])

    def unread(self, text: str) -> str:
        """The end of a text that the encoder does not read; empty if it reads all."""
        return self.inner.unread(text) if isinstance(self.inner, LimitedEncoder) else ""

    def _stacked(self, rows: Sequence[NDArray[np.float32]]) -> Rows:
        return np.stack([np.zeros(self.dim, np.float32), *rows])[1:]
