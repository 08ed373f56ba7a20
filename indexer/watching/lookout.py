"""Events in folders of pictures, as the file system reports them."""

from __future__ import annotations

import errno
import logging
import os
import queue
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from watchdog import events
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch
from watchdog.observers.polling import PollingObserverVFS

from indexer.captions.candidates import CAPTION_SUFFIXES
from indexer.captions.nearby import is_skipped
from indexer.kinds.members import SUFFIX as ARCHIVE_SUFFIX
from indexer.kinds.suffixes import BACKUP_ENDS, CAPTION_FILE, SUFFIX_KINDS
from indexer.pictures.exclusion import Exclusion

# Files with other suffixes may be pictures by their contents.
_UNWATCHED = frozenset(
    suffix
    for suffix, kind in SUFFIX_KINDS.items()
    if suffix not in {*CAPTION_SUFFIXES, ARCHIVE_SUFFIX} and kind != CAPTION_FILE
)
_LIMITS = {
    errno.ENOSPC: "fs.inotify.max_user_watches=1048576",
    errno.EMFILE: "fs.inotify.max_user_instances=1024",
}
# Without files being opened or read, or indexing would wake the watcher; and without modified
# directories, since changes of hidden files modify their directory too.
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
    """The system cannot watch more folders; the message says how to raise its limit."""


@dataclass(frozen=True, slots=True)
class Happening:
    """Something happened to a path in a folder, at a time of `time.monotonic`.

    `writing` is True from the first write to a file until it is closed, and None if the system
    does not report that. The folder itself as path means that anything in it may have changed.
    """

    folder: Path
    path: Path
    time: float
    writing: bool | None = None


class Lookout:
    """Watches folders and collects what happens in them; a context manager.

    Hidden names, files that are neither pictures nor captions by their suffix, and the library's
    own directory are left out. With `poll`, the folders are polled at this interval in seconds, for
    file systems that report nothing.
    """

    def __init__(self, library: Path, poll: float | None = None) -> None:
        self.poll = poll
        self._library = library
        self._queue: queue.SimpleQueue[Happening] = queue.SimpleQueue()
        self._watches: dict[Path, ObservedWatch] = {}
        self._exclusions: dict[Path, Exclusion] = {}
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

    def watch(self, folder: Path, include: Sequence[str] = ()) -> None:
        """Watch a folder; starts again if it is watched already.

        The patterns of `include` bring back names that are left out.

        Raises `WatchLimit` if the system cannot watch more folders, `OSError` if the folder does
        not exist or cannot be read.
        """
        self.unwatch(folder)
        os.listdir(folder)  # raises for an unreadable folder, which watchdog ignores
        own, exclusion = self._own(folder), Exclusion((), include)
        self._exclusions[folder] = exclusion
        handler = _Handler(folder, self._queue, own, exclusion, tells_closing=not self.poll)
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
        """Stop watching a folder."""
        self._exclusions.pop(folder, None)
        watch = self._watches.pop(folder, None)
        if watch is not None and self._observer is not None:
            self._observer.unschedule(watch)

    def check_room(self) -> None:
        """Raise `WatchLimit` if the system's limit may have left directories unwatched.

        watchdog silently skips directories inside a folder that are beyond the limit. So one more
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
        """Poll every `seconds` seconds from now on; each folder must be watched again."""
        self._stop()
        self.poll = seconds

    def happenings(self, seconds: float) -> Iterator[Happening]:
        """Wait at most `seconds` for something to happen, and yield all that has happened."""
        try:
            yield self._queue.get(timeout=max(seconds, 0.001))
            while True:
                yield self._queue.get_nowait()
        except queue.Empty:
            return

    def lose(self) -> None:
        """Note that events were lost: anything may have changed in any folder."""
        for folder in self.folders:
            self._queue.put(Happening(folder, folder, time.monotonic()))

    def _started(self) -> BaseObserver:
        if self._observer is None:
            self._observer = (
                PollingObserverVFS(_stat, self._listed, polling_interval=self.poll)  # type: ignore[arg-type]
                if self.poll
                else Observer()
            )
            self._observer.start()
        return self._observer

    def _listed(self, path: str | None) -> Iterable[os.DirEntry[str]]:
        """The entries of a polled directory; those that picfuse never reads are left out."""
        with os.scandir(path) as entries:
            return [entry for entry in entries if not self._is_closed(entry)]

    def _is_closed(self, entry: os.DirEntry[str]) -> bool:
        if not is_skipped(os.fsencode(entry.name)):
            return False
        path = Path(entry.path)
        return not any(
            exclusion.brings_back(os.fsencode(path.relative_to(folder)), folder=True)
            for folder, exclusion in list(self._exclusions.items())  # another thread adds to them
            if folder in path.parents
        )

    def _stop(self) -> None:
        self._watches.clear()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join(5)  # it may hang in a network file system
            self._observer = None

    def _own(self, folder: Path) -> tuple[Path, ...]:
        """The library's directory, and its path below a folder through whatever links."""
        real, root = Path(os.path.realpath(self._library)), Path(os.path.realpath(folder))
        seen = [folder / real.relative_to(root)] if real.is_relative_to(root) else []
        return (self._library, *seen)


class _Handler(events.FileSystemEventHandler):
    """Puts relevant events into a queue; runs in the observer's thread."""

    def __init__(
        self,
        folder: Path,
        queue_: queue.SimpleQueue[Happening],
        own: tuple[Path, ...],
        exclusion: Exclusion,
        *,
        tells_closing: bool,
    ) -> None:
        self._folder = folder
        self._queue = queue_
        self._own = own
        self._exclusion = exclusion
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
        if self._is_skipped([os.fsencode(part) for part in path.relative_to(self._folder).parts]):
            return False
        suffix = os.fsencode(path.suffix.lower())
        return is_directory or not (suffix in _UNWATCHED or suffix.endswith(BACKUP_ENDS))

    def _is_skipped(self, parts: Sequence[bytes]) -> bool:
        return any(
            is_skipped(part)
            and not self._exclusion.brings_back(b"/".join(parts[: n + 1]), folder=True)
            for n, part in enumerate(parts)
        )


class _Losses(logging.Handler):
    """Receives watchdog's warnings: a queue overflowed, or a folder could not be read."""

    def __init__(self, lookout: Lookout) -> None:
        super().__init__(logging.WARNING)
        self._lookout = lookout

    def emit(self, record: logging.LogRecord) -> None:
        self._lookout.lose()


def _limit(error: OSError) -> WatchLimit | None:
    """The error as a `WatchLimit`; None if it is of another kind."""
    if error.errno not in _LIMITS:
        return None
    return WatchLimit(
        "the system cannot watch so many folders; to raise its limit: "
        f"sudo sysctl {_LIMITS[error.errno]}"
    )


def _stat(path: str) -> os.stat_result:
    """The state of a path; follows links to files only: those to folders may form circles."""
    state = os.stat(path)  # noqa: PTH116 - watchdog passes a str
    return os.lstat(path) if stat.S_ISDIR(state.st_mode) else state
