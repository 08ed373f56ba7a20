"""When a folder in which something happened is looked at: once it is quiet, or patience ends."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class _Burst:
    """What happened in one folder since it was last due."""

    first: float
    last: float
    paths: set[Path]


class Pending:
    """Folders in which something happened, until they are due.

    All times are seconds of one clock, whichever the caller has. A folder is due when nothing
    has happened in it for `settle` seconds and no file of the burst is still changing, at the
    latest `patience` seconds after the burst began.
    """

    def __init__(self, settle: float, patience: float) -> None:
        self.settle = settle
        self.patience = patience
        self._bursts: dict[Path, _Burst] = {}

    def note(self, folder: Path, path: Path, now: float) -> None:
        """Take note that something happened to a file or directory of a folder."""
        burst = self._bursts.setdefault(folder, _Burst(now, now, set()))
        burst.last = max(burst.last, now)
        burst.paths.add(path)

    def due(self, now: float, changing: Callable[[Path], bool]) -> list[Path]:
        """The folders to look at now, the longest waiting first; they are pending no more.

        `changing` tells whether a file is still being written; such a file counts as something
        that happens now.
        """
        found = [f for f, burst in self._bursts.items() if self._is_due(burst, now, changing)]
        return sorted(found, key=lambda folder: self._bursts.pop(folder).first)

    def next(self) -> float | None:
        """The time before which no folder is due, unless more is noted; None if none waits."""
        return min(map(self._earliest, self._bursts.values()), default=None)

    def forget(self, folder: Path) -> None:
        """Wait no more for a folder."""
        self._bursts.pop(folder, None)

    def _earliest(self, burst: _Burst) -> float:
        return min(burst.last + self.settle, burst.first + self.patience)

    def _is_due(self, burst: _Burst, now: float, changing: Callable[[Path], bool]) -> bool:
        if now >= burst.first + self.patience:
            return True
        if now < burst.last + self.settle:
            return False
        # What was found still need not be looked at again: if it changes, that is noted.
        burst.paths = {path for path in burst.paths if changing(path)}
        if burst.paths:
            burst.last = now
        return not burst.paths


class Stillness:
    """Tells which files are still being written, by looking at them again and again.

    `clock` gives the time that files are stamped with.
    """

    def __init__(self, settle: float, clock: Callable[[], float] = time.time) -> None:
        self._settle = settle
        self._clock = clock
        self._seen: dict[Path, tuple[int, int]] = {}

    def changing(self, path: Path) -> bool:
        """Whether a file changed since the last look, or less than `settle` seconds ago."""
        before = self._seen.pop(path, None)
        try:
            state = os.stat(path)  # noqa: PTH116 - as often as something happens
        except OSError:
            return False
        if not stat.S_ISREG(state.st_mode):
            return False
        found = (state.st_size, state.st_mtime_ns)
        # A time of change that lies ahead is a wrong clock, and not worth waiting for.
        recent = 0 <= self._clock() - state.st_mtime < self._settle
        if recent or (before is not None and before != found):
            self._seen[path] = found
            return True
        return False
