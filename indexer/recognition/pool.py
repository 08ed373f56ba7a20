"""Read the text in pictures in worker processes, within the limits of decoding."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterable
from contextlib import closing
from functools import cache
from typing import Self, cast

from indexer.pictures.decoding import DecodeFailure, DecodeSettings, Outcome, with_hash
from indexer.pictures.images import decode
from indexer.pictures.limits import MAX_PIXELS, MEMORY_LIMIT, TIME_LIMIT
from indexer.pictures.pool import DecodeFile, DecodingPool
from indexer.pictures.transform import ImageTransform
from indexer.recognition.picture_text import PictureText
from indexer.recognition.reader import READ_SIDE, TextReader

_DECODED = READ_SIDE * 9 // 16  # the shorter side of a picture that is read at full size
_NO_PIXELS = ImageTransform(1, "squash", "bilinear")  # none come back: a text is small


class ReadingPool:
    """Worker processes that read the text in pictures; a context manager.

    `time_limit` is in seconds per picture, `memory_limit` in bytes per worker.
    """

    def __init__(
        self,
        *,
        workers: int | None = None,
        time_limit: float = TIME_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._pool = DecodingPool(
            _NO_PIXELS,
            None,
            workers=workers,
            time_limit=time_limit,
            memory_limit=memory_limit,
            max_pixels=max_pixels,
            task=cast(DecodeFile, read_file),  # the pool passes on what it does not know
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def read_all(self, items: Iterable[tuple[bytes, bytes]]) -> Generator[PictureText, None, None]:
        """Read each `(content_hash, path)` and yield the texts as they come, in any order.

        A file that is gone by now has its reason, and the hash that was expected of it.
        """
        with closing(self._pool.decode_all(items)) as outcomes:
            for outcome in outcomes:
                yield _text_of(outcome)


def _text_of(outcome: Outcome | PictureText) -> PictureText:
    if isinstance(outcome, PictureText):
        return outcome
    assert isinstance(outcome, DecodeFailure)
    assert isinstance(outcome.key, bytes)
    content = outcome.content_hash or b""
    return PictureText(outcome.key, content, "", outcome.reason)


def read_file(path: bytes, settings: DecodeSettings) -> PictureText | DecodeFailure:
    """Hash and decode one picture, and read its text, in a worker."""

    def read(data: bytes, digest: bytes) -> PictureText:
        image = decode(io.BytesIO(data), min_side=_DECODED, max_pixels=settings.max_pixels)
        return PictureText(path, digest, _reader().read(image))

    return with_hash(path, settings, read, "reading its text")


@cache
def _reader() -> TextReader:
    """The reader of this worker, opened for its first picture."""
    return TextReader()
