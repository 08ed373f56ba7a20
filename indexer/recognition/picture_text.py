"""The text that a program read in a picture's bytes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureText:
    """The text in a picture, line by line from the top; empty if it shows none.

    `reason` says why it could not be read.
    """

    key: Hashable
    content_hash: bytes
    text: str
    reason: str | None = None
