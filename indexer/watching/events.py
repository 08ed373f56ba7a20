"""What watching says while it goes on, and how it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from indexer.pipeline.report import IndexReport
from indexer.progress import Progress


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """When a watched folder is indexed; everything is in seconds.

    `settle`: nothing has happened for so long; `patience`: at the latest after so long; `poll`:
    look at the folders every so often instead of being told; `every`: look at everything so
    often (0: never); `look`: how often to look whether the folders are there.
    """

    settle: float = 2.0
    patience: float = 30.0
    poll: float | None = None
    every: float = 3600.0
    look: float = 3.0


@dataclass(frozen=True, slots=True)
class Watching:
    """Everything is up to date as far as it can be; from now on, changes are waited for."""

    folders: Sequence[Path]


@dataclass(frozen=True, slots=True)
class IndexRun:
    """A run has ended: its report, and the same report with only what was not said before."""

    report: IndexReport
    news: IndexReport


@dataclass(frozen=True, slots=True)
class Trouble:
    """A run failed and will be tried again in `pause` seconds; said once for a like series."""

    message: str
    pause: float


@dataclass(frozen=True, slots=True)
class FolderGone:
    """A folder cannot be looked at any more, and why."""

    folder: Path
    reason: str


@dataclass(frozen=True, slots=True)
class FolderBack:
    """A folder that was gone is there again."""

    folder: Path


@dataclass(frozen=True, slots=True)
class PollingInstead:
    """The system tells of no more folders, so they are looked at every `seconds`."""

    message: str
    seconds: float


WatchEvent: TypeAlias = (
    Progress | Watching | IndexRun | Trouble | FolderGone | FolderBack | PollingInstead
)
