"""Prepare pictures that strangers send, in a worker process that may die."""

from __future__ import annotations

import io
import threading
from concurrent.futures import Future, InvalidStateError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pebble import ProcessExpired, ProcessPool

from indexer.errors import PictureError
from indexer.pictures.images import decode
from indexer.pictures.limits import GIB
from indexer.pictures.parts import transformed_parts
from indexer.pictures.pool import restrain
from indexer.pictures.transform import ImageTransform
from indexer.pictures.workers import worker_pool

MAX_PIXELS = 100_000_000  # of a picture that is sent
TIME_LIMIT = 20.0  # seconds
MEMORY_LIMIT = 3 * GIB


@dataclass(frozen=True, slots=True)
class PreparedPicture:
    """Pixels (size, size, 3) for an encoder, and those of the parts of a panorama (n, ...)."""

    pixels: NDArray[np.uint8]
    parts: NDArray[np.uint8]


class Sandbox:
    """A worker process that decodes bytes of pictures; starts with the first one.

    A picture that takes too long, too much memory or crashes its decoder costs only itself.
    """

    def __init__(
        self,
        *,
        time_limit: float = TIME_LIMIT,
        max_pixels: int = MAX_PIXELS,
        memory_limit: int = MEMORY_LIMIT,
    ) -> None:
        self.time_limit, self.max_pixels, self.memory_limit = time_limit, max_pixels, memory_limit
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._pending: set[Future[PreparedPicture]] = set()
        self._closed = False

    def prepare(self, content: bytes, transform: ImageTransform) -> PreparedPicture:
        """Decode the bytes of a picture for an encoder. Raises `PictureError` with the reason."""
        try:
            try:
                return self._scheduled(content, transform).result()
            except BrokenProcessPool:  # pebble gives up a pool whose idle worker died
                return self._scheduled(content, transform).result()
        except TimeoutError as error:
            reason = f"takes more than {self.time_limit:g} s to decode; send a smaller one"
            raise PictureError(reason) from error
        except (ProcessExpired, BrokenProcessPool) as error:
            raise PictureError("its decoder crashed; save it in another format") from error
        except MemoryError as error:
            raise PictureError("takes too much memory to decode; send a smaller one") from error

    def close(self) -> None:
        """Stop the worker; pictures that wait for it are refused."""
        with self._lock:
            self._closed = True
            self._stop()

    def _stop(self) -> None:
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None
        for task in list(self._pending):  # pebble would let them wait for ever
            with suppress(InvalidStateError):
                task.set_exception(BrokenProcessPool("stopped"))

    def _scheduled(self, content: bytes, transform: ImageTransform) -> Future[PreparedPicture]:
        with self._lock:
            if self._closed:
                raise PictureError("was not decoded, since picfuse is closing; send it again later")
            if self._pool is None or not self._pool.active:
                self._stop()
                self._pool = worker_pool(1, restrain, (self.memory_limit,))
            task: Future[PreparedPicture] = self._pool.schedule(
                prepared, args=(content, transform, self.max_pixels), timeout=self.time_limit
            )
            self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        return task


def prepared(content: bytes, transform: ImageTransform, max_pixels: int) -> PreparedPicture:
    """Decode the bytes of a picture in this process. Raises `PictureError`."""
    image = decode(io.BytesIO(content), max_pixels=max_pixels, min_side=transform.size)
    return PreparedPicture(transform(image), transformed_parts(transform, image))
