"""The text that a program read in a picture's bytes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureText:
    """The text in a picture, line by line from the top; empty if it shows none.

    `key` is that of the request; `content_hash` that of the bytes that were read, empty if none
    were. `reason` says why the text could not be read.
    """

    key: bytes
    content_hash: bytes
    text: str
    reason: str | None = None
