"""Folders with events, until they are due: once they are quiet, or patience ends."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class _Burst:
    """Events in one folder since it was last due."""

    first: float
    last: float
    paths: set[Path]


class Pending:
    """Folders in which something happened, until they are due.

    All times are seconds of one clock, chosen by the caller. A folder is due when nothing
    has happened in it for `settle` seconds and no file of the burst is still changing, and at the
    latest `patience` seconds after the burst began.
    """

    def __init__(self, settle: float, patience: float) -> None:
        self.settle = settle
        self.patience = patience
        self._bursts: dict[Path, _Burst] = {}

    def note(self, folder: Path, path: Path, now: float) -> None:
        """Note that something happened to a file or directory of a folder."""
        burst = self._bursts.setdefault(folder, _Burst(now, now, set()))
        burst.last = max(burst.last, now)
        burst.paths.add(path)

    def due(self, now: float, changing: Callable[[Path], bool]) -> list[Path]:
        """Remove and return the folders that are due, the longest waiting first.

        `changing` tells whether a file is still being written; such a file counts as an event of
        `now`.
        """
        due = [f for f, burst in self._bursts.items() if self._is_due(burst, now, changing)]
        return sorted(due, key=lambda folder: self._bursts.pop(folder).first)

    def next(self) -> float | None:
        """The earliest time at which a folder can be due; None if none waits."""
        return min(map(self._earliest, self._bursts.values()), default=None)

    def forget(self, folder: Path) -> None:
        """Drop a folder."""
        self._bursts.pop(folder, None)

    def _earliest(self, burst: _Burst) -> float:
        return min(burst.last + self.settle, burst.first + self.patience)

    def _is_due(self, burst: _Burst, now: float, changing: Callable[[Path], bool]) -> bool:
        if now >= burst.first + self.patience:
            return True
        if now < burst.last + self.settle:
            return False
        # A file that has stopped changing needs no second check: a later change is noted.
        burst.paths = {path for path in burst.paths if changing(path)}
        if burst.paths:
            burst.last = now
        return not burst.paths


class Stillness:
    """Tells which files are still being written, by checking them repeatedly.

    `clock` gives the time of the files' time stamps.
    """

    def __init__(self, settle: float, clock: Callable[[], float] = time.time) -> None:
        self._settle = settle
        self._clock = clock
        self._seen: dict[Path, tuple[int, int]] = {}

    def changing(self, path: Path) -> bool:
        """Whether a file changed since the last look, or less than `settle` seconds ago."""
        before = self._seen.pop(path, None)
        try:
            state = os.stat(path)  # noqa: PTH116 - called for every event
        except OSError:
            return False
        if not stat.S_ISREG(state.st_mode):
            return False
        now = (state.st_size, state.st_mtime_ns)
        # A time of change in the future means a wrong clock: waiting for it is useless.
        recent = 0 <= self._clock() - state.st_mtime < self._settle
        if recent or (before is not None and before != now):
            self._seen[path] = now
            return True
        return False
