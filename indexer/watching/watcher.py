"""Keep a library up to date while its folders change."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
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
from indexer.pipeline.indexing import index_progress
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

TICK = 1.0  # seconds: the longest that a request to stop goes unheard while nothing happens
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0  # seconds until a run that failed is tried again
FALLBACK_POLL = 10.0  # seconds between two looks where the system tells nothing
# With these there is no use in going on, if they are there from the beginning.
_FATAL = (InputError, LibraryDamaged, LibraryNotFound, ModelError)


def watch(
    library: Library,
    folders: Sequence[str | Path],
    options: IndexOptions | None = None,
    *,
    timing: WatchOptions | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Generator[WatchEvent, None, None]:
    """Bring folders of a library up to date (none named: all), and again whenever they change.

    Yields what happens, `Progress` among it, until `stop` answers True or the generator is
    closed; a batch in progress is finished. Raises what `index_folder` does when the first run
    cannot be done because of a wrong request, a damaged library or a missing model; everything
    else is `Trouble`, after which it goes on.
    """
    timing = timing or WatchOptions()
    named = [existing_folder(Path(folder)) for folder in folders]
    with Lookout(library.path, timing.poll) as lookout:
        watcher = _Watcher(library, named, options or IndexOptions(), timing, lookout, stop)
        yield from watcher.run()


class _Watcher:
    """One `watch`: what it waits for, and what it has still to do."""

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
        self._open: set[Path] = set()  # files that somebody is writing to
        self._marks: dict[Path, _Mark | None] = {}  # None: the folder is gone
        self._owed: set[Path] = set()  # folders to be indexed as soon as there is no pause
        self._next_look = self._next_full = -math.inf
        self._pause = 0.0
        self._said = ""
        self._begun = False

    def run(self) -> Iterator[WatchEvent]:
        while not self._stop():
            yield from self._guarded(self._step)

    def _guarded(self, step: Callable[[], Iterator[WatchEvent]]) -> Iterator[WatchEvent]:
        """Do a step; whatever goes wrong is said, and it is done again after a pause."""
        try:
            yield from step()
        except Exception as error:  # nobody is there to start a watcher again
            if not self._begun and isinstance(error, _FATAL):
                raise
            self._pause = min(max(2 * self._pause, FIRST_PAUSE), LONGEST_PAUSE)
            if (message := _explained(error)) != self._said:
                yield Trouble(message, self._pause)
            self._said = message
            until = time.monotonic() + self._pause
            while not self._stop() and (left := until - time.monotonic()) > 0:
                self._collect(min(left, TICK))

    def _step(self) -> Iterator[WatchEvent]:
        """Look at what is due, index what has changed, and wait for what happens next."""
        if not self._begun:
            self._add_named()
        now = time.monotonic()
        while now >= self._next_look:  # twice, when it has to be polled instead
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
        self._pause, self._said = 0.0, ""
        soonest = min(self._next_look, self._next_full, self._pending.next() or math.inf)
        self._collect(min(soonest - time.monotonic(), TICK))

    def _add_named(self) -> None:
        """Add the named folders to the library, unless they belong to it already."""
        owned = sum(_owns(known.path, name) for known in self._wanted() for name in self._named)
        if not self._named or owned < len(self._named):
            with only_writer(self._library.path):  # a run in another process has its folders
                name_folders(self._library, self._named, self._options)

    def _wanted(self) -> list[IndexedFolder]:
        """The library's folders that are meant, as they are now; another process may add some."""
        known = self._library.catalogue.folders()
        if not self._named:
            return known
        return [folder for folder in known if any(_owns(folder.path, n) for n in self._named)]

    def _look(self, now: float) -> Iterator[WatchEvent]:
        """Watch the folders that are there, and take note of those that come and go."""
        self._next_look = now + self._timing.look
        wanted = self._wanted()
        for path in set(self._marks) - {folder.path for folder in wanted}:  # forgotten, absorbed
            self._lookout.unwatch(path)
            self._pending.forget(path)
            del self._marks[path]
        try:
            for folder in wanted:
                yield from self._look_at(folder, now)
        except WatchLimit as limit:
            yield from self._poll_instead(limit)

    def _look_at(self, folder: IndexedFolder, now: float) -> Iterator[WatchEvent]:
        path, mark, before = folder.path, _mark(folder), self._marks.get(folder.path, _UNKNOWN)
        if mark == before:
            return
        if mark is not None and (before is None or mark.place != before.place):
            try:
                self._lookout.watch(path)
            except OSError:  # it went just now
                mark = None
        self._marks[path] = mark
        if self._begun:
            self._pending.note(path, path, now)
        else:
            self._owed.add(path)
        if mark is None and before is not None:
            self._lookout.unwatch(path)
            there = path.is_dir()
            yield FolderGone(path, "it cannot be read" if there else "it is not there now")
        if mark is not None and before is None:
            yield FolderBack(path)

    def _poll_instead(self, limit: WatchLimit) -> Iterator[WatchEvent]:
        self._lookout.start_polling(FALLBACK_POLL)
        self._marks = {path: mark for path, mark in self._marks.items() if mark is None}
        self._next_look = -math.inf
        yield PollingInstead(str(limit), FALLBACK_POLL)

    def _index(self) -> Iterator[WatchEvent]:
        """Index the folders that are owed; they are owed no more when that is done."""
        owed, targets = set(self._owed), self._targets()
        if targets is not None:
            report = IndexReport()
            try:
                yield from self._run(targets, report)
            except Exception:
                if report.added or report.changed or report.removed:
                    yield self._ran(targets, report)
                raise
            yield self._ran(targets, report)
        self._owed -= owed
        try:
            self._lookout.check_room()  # for directories that came with the pictures
        except WatchLimit as limit:
            yield from self._poll_instead(limit)

    def _targets(self) -> list[Path] | None:
        """The folders to name for a run over those that are owed, empty for all; None for no run.

        A folder that is gone cannot be named; its pictures are taken note of as missing by a run
        over all folders.
        """
        known = {folder.path for folder in self._library.catalogue.folders()}
        owed = [path for path in self._marks if path in self._owed & known]
        there = [path for path in owed if self._marks[path] is not None]
        if owed and (set(owed) == known or (not self._named and there != owed)):
            return []
        return there or None

    def _run(self, targets: Sequence[Path], report: IndexReport) -> Iterator[WatchEvent]:
        with closing(index_progress(self._library, targets, self._options, report)) as steps:
            for step in steps:
                yield step
                if self._stop():
                    return

    def _ran(self, targets: Sequence[Path], report: IndexReport) -> IndexRun:
        gone = [path for path, mark in self._marks.items() if mark is None]
        return IndexRun(report, self._news.of(report, targets, gone))

    def _collect(self, seconds: float) -> None:
        """Take note of what happens, for at most so long."""
        for happening in self._lookout.happenings(seconds):
            self._pending.note(happening.folder, happening.path, happening.time)
            if happening.writing:
                self._open.add(happening.path)
            elif happening.writing is False:
                self._open.discard(happening.path)
            if happening.path == happening.folder:  # a new one of its name is another folder
                self._marks.pop(happening.folder, None)
                self._next_look = -math.inf

    def _is_changing(self, path: Path) -> bool:
        return path in self._open or self._stillness.changing(path)


@dataclass(frozen=True, slots=True)
class _Mark:
    """By what one sees that a folder is still the same, and its caption files too."""

    place: tuple[int, int]
    captions: tuple[tuple[int, int] | None, ...] = ()


_UNKNOWN = _Mark((-1, -1))


def _mark(folder: IndexedFolder) -> _Mark | None:
    """The mark of a folder; None when it is not there, or cannot be read."""
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


def _explained(error: Exception) -> str:
    if isinstance(error, PicfuseError):
        return str(error)
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or error}"
    return f"indexing failed: {type(error).__name__}: {error}"
