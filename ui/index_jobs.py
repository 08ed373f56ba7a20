"""Indexing in the background, for the browser app and the service."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from indexer import IndexOptions, IndexReport, Library, PicfuseError, Progress, indexing


class IndexJob:
    """One run of indexing in its own thread.

    `report` and `progress` may be read at any time; `error` says why the run failed.
    """

    def __init__(
        self,
        open_writer: Callable[[], Library],
        folders: Sequence[Path],
        options: IndexOptions | None = None,
    ) -> None:
        self.report = IndexReport()
        self.progress = Progress(0, 0)
        self.error: PicfuseError | None = None
        self._open_writer = open_writer
        self._folders = folders
        self._options = options
        self._started: float | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="indexing", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the run is still going on."""
        return self._thread.is_alive()

    @property
    def rate(self) -> float:
        """Pictures per second; 0 until the first batch is done."""
        if self._started is None or not self.progress.done:
            return 0.0
        return self.progress.done / max(time.monotonic() - self._started, 1e-3)

    @property
    def seconds_left(self) -> float | None:
        """Seconds left at this rate; None until the first batch is done."""
        return (self.progress.total - self.progress.done) / self.rate if self.rate else None

    def stop(self) -> None:
        """Stop after the current batch; finished work is kept."""
        self._stopping.set()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the run has ended, at most `seconds`."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            with self._open_writer() as library:
                self._index(library)
        except PicfuseError as error:
            self.error = error
        except Exception as error:  # otherwise nobody would see why the thread died
            self.error = PicfuseError(f"indexing failed: {type(error).__name__}: {error}")

    def _index(self, library: Library) -> None:
        with indexing(library, *self._folders, options=self._options) as run:
            self.report = run.report
            for self.progress in run:
                self._started = self._started or time.monotonic()
                if self._stopping.is_set():
                    return


class IndexJobs:
    """Starts a library's indexing, one run at a time, and keeps the last run."""

    def __init__(self) -> None:
        self.job: IndexJob | None = None
        self._lock = threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether a run is going on."""
        return self.job is not None and self.job.running

    def start(
        self,
        open_writer: Callable[[], Library],
        folders: Sequence[Path],
        options: IndexOptions | None = None,
    ) -> bool:
        """Start a run unless one is going on; returns whether it started."""
        with self._lock:
            if self.busy:
                return False
            self.job = IndexJob(open_writer, folders, options)
            return True
