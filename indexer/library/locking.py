"""One writer at a time: the lock that a whole run holds, and that a killed one leaves behind open.

SQLite's own lock guards a transaction; this one guards what spans many of them, such as a run of
indexing. It is the operating system's lock on a file, so it goes with the process that held it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from indexer.catalogue import database
from indexer.errors import LibraryError, LibraryLocked
from indexer.library.directory import LOCK


@contextmanager
def only_writer(library: Path) -> Iterator[None]:
    """Be the only one that changes a library. Raises `LibraryLocked` when another one stays so."""
    lock = FileLock(library / LOCK, timeout=database.BUSY_SECONDS, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise LibraryLocked(
            f"{library}: another picfuse is changing this library; try again once it is done "
            "(searching still works)"
        ) from error
    except (OSError, NotImplementedError) as error:  # the latter: a file system without locks
        said = getattr(error, "strerror", None) or error
        raise LibraryError(f"{library}: not writable ({said}); make it writable") from error
    try:
        yield
    finally:
        lock.release()
