"""One writer at a time: the lock that a whole run holds.

SQLite's own lock guards a transaction; this one guards work that spans many of them, such as a run
of indexing. It is the operating system's lock on a file, so it ends with the process that held it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from indexer.catalogue import database
from indexer.errors import LibraryError, LibraryLocked
from indexer.library.directory import LOCK

PATIENCE = 3600  # seconds; the other run goes on, but whoever started this one should know
logger = logging.getLogger(__name__)


@contextmanager
def only_writer(library: Path, *, patient: bool = False) -> Iterator[None]:
    """Hold the writer's lock of a library. Raises `LibraryLocked` if another process keeps it.

    One that is `patient` says that it waits, and waits for an hour.
    """
    lock = FileLock(library / LOCK, timeout=database.BUSY_SECONDS, thread_local=False)
    try:
        if patient:
            _acquire_patiently(lock, library)
        else:
            lock.acquire()
    except Timeout as error:
        raise LibraryLocked(
            f"{library}: another picfuse is changing this library; try again once it is done "
            "(searching still works)"
        ) from error
    except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
        reason = getattr(error, "strerror", None) or error
        raise LibraryError(f"{library}: not writable ({reason}); make it writable") from error
    try:
        yield
    finally:
        lock.release()


def _acquire_patiently(lock: FileLock, library: Path) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.info("another picfuse is filling %s; waiting until it is done", library)
        lock.acquire(timeout=PATIENCE)
