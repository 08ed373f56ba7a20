"""Events and options of watching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from indexer.pipeline.report import IndexReport
from indexer.progress import Progress


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """Timing of watching, in seconds.

    A folder is indexed once nothing has happened in it for `settle`, and at the latest `patience`
    after the first event. `poll` is the interval of polling (None: the system reports changes),
    `every` of runs over all folders (0: never), `look` of checks whether the folders exist.
    """

    settle: float = 2.0
    patience: float = 30.0
    poll: float | None = None
    every: float = 3600.0
    look: float = 3.0


@dataclass(frozen=True, slots=True)
class Watching:
    """Everything is as up to date as possible; from now on, watching waits for changes."""

    folders: Sequence[Path]


@dataclass(frozen=True, slots=True)
class IndexRun:
    """A run has ended: its report, and in `news` only the problems not reported before."""

    report: IndexReport
    news: IndexReport


@dataclass(frozen=True, slots=True)
class Trouble:
    """A run failed and will be retried in `pause` seconds.

    Reported once for a series of identical failures.
    """

    message: str
    pause: float


@dataclass(frozen=True, slots=True)
class FolderGone:
    """A folder can no longer be read, and why."""

    folder: Path
    reason: str


@dataclass(frozen=True, slots=True)
class FolderBack:
    """A folder that was gone is back."""

    folder: Path


@dataclass(frozen=True, slots=True)
class PollingInstead:
    """The system cannot watch so many folders, so they are polled every `seconds` seconds."""

    message: str
    seconds: float


WatchEvent: TypeAlias = (
    Progress | Watching | IndexRun | Trouble | FolderGone | FolderBack | PollingInstead
)
