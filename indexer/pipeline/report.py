"""Options of indexing, and the report of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer.captions import CaptionFile
from indexer.captions.caption import Guess
from indexer.catalogue.lookup.captions import RepeatedCaption
from indexer.kinds.extras import kind_needing, needed_extra
from indexer.progress import Failure

PICTURES_PER_BATCH = 32  # one transaction: the work that a power cut can cost


@dataclass(slots=True)
class IndexReport:
    """Results of one run of indexing, in numbers of pictures.

    `changed` counts pictures whose bytes or captions changed; `removed` those that are gone (their
    records are kept as missing); `pruned` missing ones whose records were deleted; `encoded` those
    that were encoded for another model. `problems` are folders and caption files that could not be
    read, and whatever else the user should know; everything else was indexed. `complete` is False
    if a picture, a folder or a caption file could not be read. `passed_over` counts by kind all
    that was not indexed: files that are neither pictures nor captions, pictures whose decoder is
    not installed, folders that are left out unasked. `unused_captions` are the caption files among
    them, with their faults; `guesses` the character sets that caption files seem to have;
    `repeated` the texts on so many pictures that they are probably fillers.
    `unmatched` are the patterns of `IndexOptions.exclude` that left nothing out,
    `unmatched_includes` those of `IndexOptions.include` that brought nothing back.
    `texts_read` counts the pictures whose text was read, `texts_found` those that show some.
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
    passed_over: Counter[str] = field(default_factory=Counter)
    unused_captions: list[Failure] = field(default_factory=list)
    guesses: list[Guess] = field(default_factory=list)
    repeated: list[RepeatedCaption] = field(default_factory=list)
    undecoded: Counter[str] = field(default_factory=Counter)  # pictures, by the extra they need
    unmatched: list[str] = field(default_factory=list)
    unmatched_includes: list[str] = field(default_factory=list)
    texts_read: int = 0
    texts_found: int = 0
    complete: bool = True
    interrupted: bool = False
    elapsed_ms: float = 0.0

    def fail(self, path: bytes | Path, reason: str) -> None:
        """Note a picture that could not be read, or that no decoder is installed for."""
        if needed_extra(reason):
            self.passed_over[kind_needing(reason)] += 1
            self.undecoded[needed_extra(reason)] += 1
            return
        self.failed.append(self.failure(path, reason))
        self.complete = False

    def unread(self, path: bytes | Path, reason: str) -> None:
        """Note a folder or caption file that could not be read."""
        self.problem(path, reason)
        self.complete = False

    def problem(self, path: bytes | Path, reason: str) -> None:
        """Note a problem of a file or folder that was read nevertheless."""
        self.problems.append(self.failure(path, reason))

    @staticmethod
    def failure(path: bytes | Path, reason: str) -> Failure:
        """A path, and why it could not be read or used."""
        return Failure(Path(os.fsdecode(path)), reason)


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """Options of a run of indexing.

    `captions` (files; `()` for none, None: as before) with the `columns` of their tables (as in
    "file=NAME,caption=NAME"; None if their headers tell), `exclude` and `include` (patterns of
    .gitignore, each for all folders of the run) are remembered for later runs over the same folders
    until others are given. What `include` fits is indexed although it is left out, such as recycle
    bins; "." is the folder itself. `time_limit` is in seconds per picture (None: 60),
    `memory_limit` in bytes per worker (None: 4 GiB); `only` restricts the folders to these pictures
    (relative paths). `model` moves the library to another encoder first, `fusion` to another
    fusion; `weight` is for queries that name none; `tags` are the files of its tag heads from then
    on (None: as before); `prune` deletes the records of missing pictures at the end; `verify` reads
    every file again, since a change may keep size and time, and goes on where an interrupted run
    was. `text`: whether the text in pictures is read from then on (None: as before). `fillers` are
    texts that are no captions from then on (None: as before).
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
    verify: bool = False
    include: Sequence[str] = ()
    text: bool | None = None
    columns: str | None = None
    fillers: Sequence[str] | None = None

    @property
    def limits_given(self) -> bool:
        """Whether limits are given: then pictures that failed before are tried again."""
        return any(one is not None for one in (self.time_limit, self.max_pixels, self.memory_limit))
