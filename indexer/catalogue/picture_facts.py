"""Facts of a picture's file that a catalogue stores, without SQLAlchemy, which imports slowly."""

from __future__ import annotations

from dataclasses import dataclass, field

from indexer.metadata.order import Settled
from indexer.pictures.facts import ContentFacts


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """Facts of a picture file and of its bytes.

    `settled` are the values that won among all sources. Captions are stored by `put_captions`,
    fields with several values by `put_facts`.
    """

    relative: bytes
    size: int
    mtime_ns: int
    content_hash: bytes | None
    content: ContentFacts
    settled: Settled = field(default_factory=Settled)
