"""Keep a library up to date while its folders change."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.catalogue.lookup.pictures import IndexedFolder
from indexer.errors import (
    InputError,
    LibraryDamaged,
    LibraryNotFound,
    ModelError,
    PicfuseError,
)
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.pipeline.folders import existing_folder, name_folders
from indexer.pipeline.indexing import IndexSteps, indexing
from indexer.pipeline.report import IndexOptions, IndexReport
from indexer.watching.events import (
    FolderBack,
    FolderGone,
    IndexRun,
    PollingInstead,
    Trouble,
    WatchEvent,
    Watching,
    WatchOptions,
)
from indexer.watching.lookout import Lookout, WatchLimit
from indexer.watching.news import NewProblems
from indexer.watching.pending import Pending, Stillness

TICK = 1.0  # seconds: the longest that a request to stop waits while nothing happens
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # seconds until a run that failed is tried again
FALLBACK_POLL = 10.0  # seconds between polls if the system cannot watch the folders
# Errors that end watching if the first run raises them: another try would not help.
_FATAL = (InputError, LibraryDamaged, LibraryNotFound, ModelError)


def watch(
    library: Library,
    folders: Sequence[str | Path],
    options: IndexOptions | None = None,
    *,
    timing: WatchOptions | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[WatchEvent, None, None]:
    """Index folders of a library (none named: all), now and whenever they change.

    Yields events, `Progress` among them, until `stop()` is True or the generator is closed; a
    batch in progress is finished. Raises the errors of `index_folder` if the first run cannot be
    done because of a wrong request, a damaged library or a missing model; any other error becomes
    `Trouble`, and watching continues.
    """
    timing = timing or WatchOptions()
    named = [existing_folder(Path(folder)) for folder in folders]
    with Lookout(library.path, timing.poll) as lookout:
        watcher = _Watcher(library, named, options or IndexOptions(), timing, lookout, stop)
        yield from watcher.run()


class _Watcher:
    """State of one `watch`: the events it waits for, and the folders it still has to index."""

    def __init__(
        self,
        library: Library,
        named: Sequence[Path],
        options: IndexOptions,
        timing: WatchOptions,
        lookout: Lookout,
        stop: Callable[[], bool],
    ) -> None:
        self._library, self._named, self._options = library, named, options
        self._timing, self._lookout, self._stop = timing, lookout, stop
        self._pending = Pending(timing.settle, timing.patience)
        self._stillness = Stillness(timing.settle)
        self._news = NewProblems()
        self._open: set[Path] = set()  # files that are open for writing
        self._marks: dict[Path, _Mark | None] = {}  # None: the folder is gone
        self._owed: set[Path] = set()  # folders to index as soon as there is no pause
        self._next_look = self._next_full = -math.inf
        self._pause = 0.0
        self._last_message = ""
        self._begun = False

    def run(self) -> Iterator[WatchEvent]:
        while not self._stop():
            yield from self._guarded(self._step)

    def _guarded(self, step: Callable[[], Iterator[WatchEvent]]) -> Iterator[WatchEvent]:
        """Do a step; an error is reported, and a pause precedes the next try."""
        try:
            yield from step()
        except Exception as error:  # nobody is there to restart a watcher
            if not self._begun and isinstance(error, _FATAL):
                raise
            self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
            if (message := _message_of(error)) != self._last_message:
                yield Trouble(message, self._pause)
            self._last_message = message
            until = time.monotonic() + self._pause
            while not self._stop() and (left := until - time.monotonic()) > 0:
                self._collect(min(left, TICK))

    def _step(self) -> Iterator[WatchEvent]:
        """Check the folders, index those that are due, and wait for events."""
        if not self._begun:
            self._add_named()
        now = time.monotonic()
        while now >= self._next_look:  # a second time if it falls back to polling
            yield from self._look(now)
        if now >= self._next_full:
            self._owed.update(self._marks)
            self._next_full = now + (self._timing.every or math.inf)
        self._owed.update(self._pending.due(now, self._is_changing))
        if self._owed:
            yield from self._index()
        if not self._begun and not self._stop():
            self._begun = True
            self._options = replace(self._options, model=None)  # another process may move it again
            yield Watching(self._lookout.folders)
        self._pause, self._last_message = 0.0, ""
        soonest = min(self._next_look, self._next_full, self._pending.next() or math.inf)
        self._collect(min(soonest - time.monotonic(), TICK))

    def _add_named(self) -> None:
        """Add the named folders to the library, unless they belong to it already."""
        folders = self._watched_folders()
        owned = sum(_owns(folder.path, name) for folder in folders for name in self._named)
        if not self._named or owned < len(self._named):
            with only_writer(self._library.path):  # another process may be indexing
                name_folders(self._library, self._named, self._options)

    def _watched_folders(self) -> list[IndexedFolder]:
        """The folders to watch, as the library has them now: another process may add some."""
        known = self._library.catalogue.folders()
        if not self._named:
            return known
        return [folder for folder in known if any(_owns(folder.path, n) for n in self._named)]

    def _look(self, now: float) -> Iterator[WatchEvent]:
        """Watch the folders that exist, and note those that come and go."""
        self._next_look = now + self._timing.look
        folders = self._watched_folders()
        for path in set(self._marks) - {folder.path for folder in folders}:  # forgotten, absorbed
            self._lookout.unwatch(path)
            self._pending.forget(path)
            del self._marks[path]
        try:
            for folder in folders:
                yield from self._look_at(folder, now)
        except WatchLimit as limit:
            yield from self._poll_instead(limit)

    def _look_at(self, folder: IndexedFolder, now: float) -> Iterator[WatchEvent]:
        path, mark, before = folder.path, _mark(folder), self._marks.get(folder.path, _UNKNOWN)
        if mark == before:
            return
        if mark is not None and (before is None or mark.place != before.place):
            try:
                self._lookout.watch(path, folder.included)
            except OSError:  # it vanished just now
                mark = None
        self._marks[path] = mark
        if self._begun:
            self._pending.note(path, path, now)
        else:
            self._owed.add(path)
        if mark is None and before is not None:
            self._lookout.unwatch(path)
            there = path.is_dir()
            yield FolderGone(path, "cannot be read" if there else "is missing")
        if mark is not None and before is None:
            yield FolderBack(path)

    def _poll_instead(self, limit: WatchLimit) -> Iterator[WatchEvent]:
        self._lookout.start_polling(FALLBACK_POLL)
        self._marks = {path: mark for path, mark in self._marks.items() if mark is None}
        self._next_look = -math.inf
        yield PollingInstead(str(limit), FALLBACK_POLL)

    def _index(self) -> Iterator[WatchEvent]:
        """Index the folders that are owed."""
        owed, targets = set(self._owed), self._targets()
        if targets is not None:
            run = indexing(self._library, *targets, options=self._options)
            try:
                yield from self._steps(run)
            except Exception:
                if run.report.added or run.report.changed or run.report.removed:
                    yield self._index_run(targets, run.report)
                raise
            yield self._index_run(targets, run.report)
        self._owed -= owed
        try:
            self._lookout.check_room()  # for directories that came with new pictures
        except WatchLimit as limit:
            yield from self._poll_instead(limit)

    def _targets(self) -> list[Path] | None:
        """The folders to name in a run over those that are owed, empty for all; None for no run.

        A folder that is gone cannot be named; a run over all folders marks its pictures as missing.
        """
        known = {folder.path for folder in self._library.catalogue.folders()}
        owed = [path for path in self._marks if path in self._owed & known]
        there = [path for path in owed if self._marks[path] is not None]
        if owed and (set(owed) == known or (not self._named and there != owed)):
            return []
        return there or None

    def _steps(self, run: IndexSteps) -> Iterator[WatchEvent]:
        with run:
            for step in run:
                yield step
                if self._stop():
                    return

    def _index_run(self, targets: Sequence[Path], report: IndexReport) -> IndexRun:
        gone = [path for path, mark in self._marks.items() if mark is None]
        return IndexRun(report, self._news.of(report, targets, gone))

    def _collect(self, seconds: float) -> None:
        """Note events for at most `seconds`."""
        for happening in self._lookout.happenings(seconds):
            self._pending.note(happening.folder, happening.path, happening.time)
            if happening.writing:
                self._open.add(happening.path)
            elif happening.writing is False:
                self._open.discard(happening.path)
            if happening.path == happening.folder:  # if it comes back, it is another folder
                self._marks.pop(happening.folder, None)
                self._next_look = -math.inf

    def _is_changing(self, path: Path) -> bool:
        return path in self._open or self._stillness.changing(path)


@dataclass(frozen=True, slots=True)
class _Mark:
    """Identity of a folder and state of its caption files, to notice changes."""

    place: tuple[int, int]
    captions: tuple[tuple[int, int] | None, ...] = ()


_UNKNOWN = _Mark((-1, -1))


def _mark(folder: IndexedFolder) -> _Mark | None:
    """The mark of a folder; None if it is missing or cannot be read."""
    state = _state(folder.path)
    if state is None or not folder.path.is_dir() or not os.access(folder.path, os.R_OK | os.X_OK):
        return None
    files = [_state(Path(file)) for file in json.loads(folder.caption_files)]
    captions = tuple(file and (file.st_size, file.st_mtime_ns) for file in files)
    return _Mark((state.st_dev, state.st_ino), captions)


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _owns(folder: Path, path: Path) -> bool:
    """Whether a path is an indexed folder or lies in it."""
    return folder == path or folder in path.parents


def _message_of(error: Exception) -> str:
    if isinstance(error, PicfuseError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return f"indexing failed: {type(error).__name__}: {error}"
