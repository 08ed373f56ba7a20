"""What happens in folders of pictures, as the file system tells it."""

from __future__ import annotations

import errno
import logging
import os
import queue
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.polling import PollingObserverVFS

from indexer.captions.finder import CAPTION_SUFFIXES
from indexer.captions.nearby import SKIPPED_FOLDERS
from indexer.pictures.formats import SUFFIXES

_WATCHED = SUFFIXES | set(map(os.fsdecode, CAPTION_SUFFIXES))
_SKIPPED = frozenset(map(os.fsdecode, SKIPPED_FOLDERS))
_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches=1048576",
    errno.EMFILE: "fs.inotify.max_user_instances=1024",
}
# Not that a file was opened or read, or indexing would wake the watcher; and not that a directory
# was modified, which also happens to hidden files.
_KINDS: list[type[events.FileSystemEvent]] = [
    events.FileCreatedEvent,
    events.FileModifiedEvent,
    events.FileAttribEvent,
    events.FileClosedEvent,
    events.FileMovedEvent,
    events.FileDeletedEvent,
    events.DirCreatedEvent,
    events.DirAttribEvent,
    events.DirMovedEvent,
    events.DirDeletedEvent,
]


class WatchLimit(Exception):  # noqa: N818 - named by the state, not by "Error"
    """The system tells of no more folders; the message says what helps."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a path in a folder, at a time of `time.monotonic`.

    `writing` is True from the first write to a file until it is closed, where the system tells;
    None where it does not. A folder as the path means that anything may have happened in it.
    """

    folder: Path
    path: Path
    time: float
    writing: bool | None = None


class Lookout:
    """Watches folders and collects what happens in them; a context manager.

    Nothing is told of hidden names, of files that are neither pictures nor captions, and of what
    lies in the library's own directory. With `poll` the folders are looked at every so many
    seconds, for file systems that tell nothing.
    """

    def __init__(self, library: Path, poll: float | None = None) -> None:
        self.poll = poll
        self._library = library
        self._queue: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._watches: dict[Path, ObservedWatch] = {}
        self._observer: BaseObserver | None = None
        self._losses = _Losses(self)

    def __enter__(self) -> Self:
        logging.getLogger("watchdog").addHandler(self._losses)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("watchdog").removeHandler(self._losses)
        self._stop()

    @property
    def folders(self) -> list[Path]:
        """The folders that are watched."""
        return list(self._watches)

    def watch(self, folder: Path) -> None:
        """Watch a folder, anew if it was watched before.

        Raises `WatchLimit` when the system has no room for it, `OSError` when the folder is
        not there or cannot be read.
        """
        self.unwatch(folder)
        os.listdir(folder)  # watchdog says nothing of a folder that may not be read
        handler = _Handler(folder, self._queue, self._own(folder), tells_closing=not self.poll)
        try:
            observer = self._started()
            self._watches[folder] = observer.schedule(
                handler, str(folder), recursive=True, event_filter=_KINDS
            )
        except OSError as error:
            if not self.poll and (limit := _limit(error)):
                raise limit from error
            raise
        self.check_room()

    def unwatch(self, folder: Path) -> None:
        """Watch a folder no more."""
        watch = self._watches.pop(folder, None)
        if watch is not None and self._observer is not None:
            self._observer.unschedule(watch)

    def check_room(self) -> None:
        """Raise `WatchLimit` when directories may be unwatched for want of room.

        watchdog passes over directories inside a folder for which there was no room. So one more
        is tried: if that works, there was room for all.
        """
        if self.poll or self._observer is None:
            return
        with tempfile.TemporaryDirectory() as directory:
            try:
                watch = self._observer.schedule(events.FileSystemEventHandler(), directory)
                self._observer.unschedule(watch)
            except OSError as error:
                if limit := _limit(error):
                    raise limit from error

    def start_polling(self, seconds: float) -> None:
        """Look at the folders every so many seconds from now on; they must be watched anew."""
        self._stop()
        self.poll = seconds

    def happenings(self, seconds: float) -> Iterator[Happening]:
        """Wait for something to happen, at most so long, and yield all that has happened."""
        try:
            yield self._queue.get(timeout=max(seconds, 0.001))
            while True:
                yield self._queue.get_nowait()
        except queue.Empty:
            return

    def lose(self) -> None:
        """Take note that events were lost."""
        for folder in self.folders:
            self._queue.put(Happening(folder, folder, time.monotonic()))

    def _started(self) -> BaseObserver:
        if self._observer is None:
            self._observer = (
                PollingObserverVFS(_stat, _listed, polling_interval=self.poll)  # type: ignore[arg-type]
                if self.poll
                else Observer()
            )
            self._observer.start()
        return self._observer

    def _stop(self) -> None:
        self._watches.clear()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(5)  # it may hang in a network file system
            self._observer = None

    def _own(self, folder: Path) -> tuple[Path, ...]:
        """The library's directory as it appears below a folder, whatever links lead there."""
        real, root = Path(os.path.realpath(self._library)), Path(os.path.realpath(folder))
        seen = [folder / real.relative_to(root)] if real.is_relative_to(root) else []
        return (self._library, *seen)


class _Handler(events.FileSystemEventHandler):
    """Puts what is worth a look into a queue; runs in the observer's thread."""

    def __init__(
        self,
        folder: Path,
        queue_: queue.SimpleQueue[Happening],
        own: tuple[Path, ...],
        *,
        tells_closing: bool,
    ) -> None:
        self._folder = folder
        self._queue = queue_
        self._own = own
        self._tells_closing = tells_closing and sys.platform == "linux"

    def on_any_event(self, event: events.FileSystemEvent) -> None:
        for raw in (event.src_path, event.dest_path):
            path = Path(os.fsdecode(raw))
            if raw and self._matters(path, is_directory=event.is_directory):
                writing = self._is_writing(event)
                self._queue.put(Happening(self._folder, path, time.monotonic(), writing))

    def _is_writing(self, event: events.FileSystemEvent) -> bool | None:
        if isinstance(event, events.FileModifiedEvent):
            return True if self._tells_closing else None
        return None if isinstance(event, events.FileAttribEvent) else False

    def _matters(self, path: Path, *, is_directory: bool) -> bool:
        if not path.is_relative_to(self._folder) or any(map(path.is_relative_to, self._own)):
            return False
        parts = path.relative_to(self._folder).parts
        if any(part.startswith(".") or part in _SKIPPED for part in parts):
            return False
        return is_directory or path.suffix.lower() in _WATCHED


class _Losses(logging.Handler):
    """Hears watchdog complain: of a queue that overflowed, of a folder it could not look at."""

    def __init__(self, lookout: Lookout) -> None:
        super().__init__(logging.WARNING)
        self._lookout = lookout

    def emit(self, record: logging.LogRecord) -> None:
        self._lookout.lose()


def _limit(error: OSError) -> WatchLimit | None:
    """The error as one of too little room, if it is one."""
    if error.errno not in _LIMITS:
        return None
    return WatchLimit(
        "the system cannot watch so many folders; to raise its limit: "
        f"sudo sysctl {_LIMITS[error.errno]}"
    )


def _stat(path: str) -> os.stat_result:
    """The state of a path; links to files are followed, those to directories may form circles."""
    state = os.stat(path)  # noqa: PTH116 - what watchdog asks for
    return os.lstat(path) if stat.S_ISDIR(state.st_mode) else state


def _listed(path: str | None) -> Iterable[os.DirEntry[str]]:
    """The entries of a directory, without those that picfuse never looks at."""
    with os.scandir(path) as entries:
        return [e for e in entries if not e.name.startswith(".") and e.name not in _SKIPPED]
