"""What indexing says while it runs and when it is done."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer.captions import CaptionFile
from indexer.progress import Failure

BATCH = 32  # pictures a transaction: the work that a pulled plug can cost


@dataclass(slots=True)
class IndexReport:
    """What one run of indexing did, in numbers of pictures.

    `changed` counts pictures whose bytes or captions changed; `removed` those that are gone (kept
    as missing); `pruned` those that were missing and are deleted; `encoded` those that were
    encoded for another model.
    `problems` are folders and caption files that could not be read; nothing else is lost.
    """

    added: int = 0
    unchanged: int = 0
    changed: int = 0
    removed: int = 0
    pruned: int = 0
    encoded: int = 0
    failed: list[Failure] = field(default_factory=list)
    problems: list[Failure] = field(default_factory=list)
    caption_files: list[CaptionFile] = field(default_factory=list)
    interrupted: bool = False
    elapsed_ms: float = 0.0

    def fail(self, path: bytes | Path, reason: str) -> None:
        """Note a picture that could not be read."""
        self.failed.append(Failure(Path(os.fsdecode(path)), reason))

    def problem(self, path: bytes | Path, reason: str) -> None:
        """Note a folder or caption file that could not be read."""
        self.problems.append(Failure(Path(os.fsdecode(path)), reason))


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How folders are indexed.

    `captions` and `exclude` are kept for later runs over the same folders until others are named:
    files for `captions` (none: `()`; None: as they are), patterns for `exclude`. `time_limit` is in
    seconds per picture (None: 60), `memory_limit` in bytes per worker (None: 4 GiB); `only`
    restricts the folders to these pictures (relative paths).
    `model` moves the library to another encoder first, `fusion` to another fusion; `weight` is what
    queries ask with that name none; `tags` are the files of its tag heads from then on (None: as
    they are); `prune` deletes what is known of missing pictures at the end.
    """

    captions: Sequence[Path] | None = None
    exclude: Sequence[str] = ()
    workers: int | None = None
    time_limit: float | None = None
    max_pixels: int | None = None
    memory_limit: int | None = None
    only: Collection[bytes] | None = None
    model: str | None = None
    fusion: str | None = None
    weight: float | None = None
    tags: Sequence[Path] | None = None
    prune: bool = False

    @property
    def other_limits(self) -> bool:
        """Whether limits are named: then pictures that failed before are worth another try."""
        return any(one is not None for one in (self.time_limit, self.max_pixels, self.memory_limit))
