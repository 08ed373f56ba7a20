"""Jobs of a service: runs of indexing that clients start, follow and stop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from indexer.errors import LibraryLocked
from ui.index_jobs import IndexJob
from ui.service.served import NotThere, ServedLibrary

KEPT = 100  # jobs that are remembered
_LOOK = 0.2  # seconds between two looks at a job


@dataclass(slots=True)
class Job:
    """A run of indexing with its number; `stopped` once a client has asked for that."""

    id: int
    library: str
    run: IndexJob
    stopped: bool = False

    def fields(self) -> dict[str, Any]:
        """The JSON fields of a job."""
        report, progress = self.run.report, self.run.progress
        return {
            "id": self.id,
            "state": self._state(),
            "done": progress.done,
            "total": progress.total,
            "what": progress.what,
            "added": report.added,
            "changed": report.changed,
            "removed": report.removed,
            "failed": len(report.failed),
            "error": None if self.run.error is None else str(self.run.error),
        }

    def _state(self) -> str:
        if self.run.running:
            return "running"
        if self.run.error is not None:
            return "failed"
        return "stopped" if self.stopped else "done"

    async def steps(self) -> AsyncIterator[Job]:
        """The job itself whenever its fields have changed, until the run has ended."""
        before: dict[str, Any] = {}
        while True:
            fields = self.fields()
            if fields != before:
                yield self
            if fields["state"] != "running":
                return
            before = fields
            await asyncio.sleep(_LOOK)


class Jobs:
    """The jobs of a service; one at a time of each library."""

    def __init__(self) -> None:
        self._jobs: dict[int, Job] = {}
        self._lock = threading.Lock()

    def start(self, served: ServedLibrary) -> Job:
        """Index the folders that a library knows. Raises `LibraryLocked` if that goes on."""
        with self._lock:
            for job in self._jobs.values():
                if job.library == served.name and job.run.running:
                    raise LibraryLocked(
                        f"library {served.name!r} is being indexed by job {job.id}; wait for it"
                    )
            number = max(self._jobs, default=0) + 1
            self._jobs[number] = Job(number, served.name, IndexJob(served.writer, ()))
            self._jobs.pop(number - KEPT, None)
            return self._jobs[number]

    def named(self, number: int) -> Job:
        """The job of a number. Raises `NotThere`."""
        if number not in self._jobs:
            raise NotThere(f"no job {number}; POST /index starts one")
        return self._jobs[number]

    def stop(self, number: int) -> Job:
        """Stop a job after its batch; what is finished is kept."""
        job = self.named(number)
        job.stopped |= job.run.running
        job.run.stop()
        return job

    def stop_all(self) -> None:
        """Stop all jobs after their batches."""
        for job in list(self._jobs.values()):  # a copy: a client may start another one
            if job.run.running:
                self.stop(job.id)

    def close(self) -> None:
        """Stop all jobs, and wait until their batches are stored."""
        self.stop_all()
        for job in list(self._jobs.values()):
            job.run.wait()
