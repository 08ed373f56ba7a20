"""Standard streams of which each thread can have its own, so that what a command prints is sent."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any, TextIO

_captured: ContextVar[Sequence[TextIO] | None] = ContextVar("captured", default=None)


class Captured(io.TextIOWrapper):
    """A stream in memory that encodes as the client's does, and claims to be like it."""

    def __init__(self, like: Mapping[str, Any]) -> None:
        self._terminal = bool(like["terminal"])
        super().__init__(
            io.BytesIO(), encoding=like["encoding"], errors=like["errors"], write_through=True
        )

    def isatty(self) -> bool:
        """Whether the client's stream is a terminal."""
        return self._terminal

    def content(self) -> bytes:
        """All that was printed."""
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue()


class RoutedStream(io.TextIOBase):
    """A standard stream, or within `capturing` that of the command of this thread."""

    def __init__(self, usual: TextIO, place: int) -> None:
        self.usual, self._place = usual, place

    @property
    def _target(self) -> TextIO:
        captured = _captured.get()
        return self.usual if captured is None else captured[self._place]

    @property
    def buffer(self) -> IO[bytes]:
        """The binary stream below."""
        return self._target.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream."""
        return self._target.encoding

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        """Treatment of characters that the encoding lacks."""
        return self._target.errors

    def write(self, text: str, /) -> int:
        """Write a text."""
        return self._target.write(text)

    def flush(self) -> None:
        """Send what was written."""
        self._target.flush()

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._target.isatty()

    def fileno(self) -> int:
        """The descriptor of the file below."""
        return self._target.fileno()


@contextmanager
def routed() -> Iterator[None]:
    """Let threads capture what they print, as long as a service runs."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = RoutedStream(before[0], 0), RoutedStream(before[1], 1)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


@contextmanager
def capturing(likes: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Captured]]:
    """Capture what this thread prints on both streams of a client."""
    streams = [Captured(like) for like in likes]
    token = _captured.set(streams)
    try:
        yield streams
    finally:
        _captured.reset(token)
