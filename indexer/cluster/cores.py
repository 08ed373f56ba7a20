"""Cores of a machine for the processes that share it: each core belongs to one of them."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

_held: list[FileLock] = []  # until this process ends, when the system frees them


def take_cores(count: int) -> None:
    """Restrict this process, and all that it starts, to so many cores that no other one has taken.

    Does nothing where all are wanted, too few are left, or the system cannot restrict processes.
    Without it, two encoders would each start as many threads as there are cores.
    """
    if sys.platform == "win32" or not hasattr(os, "sched_setaffinity"):
        return
    cores = sorted(os.sched_getaffinity(0))
    if count >= len(cores):
        return
    folder = Path(tempfile.gettempdir()) / f"picfuse-cores-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    taken = []
    for core in cores:
        lock = FileLock(folder / str(core), timeout=0, thread_local=False)
        try:
            lock.acquire()
        except (Timeout, OSError):
            continue
        _held.append(lock)
        taken.append(core)
        if len(taken) == count:
            os.sched_setaffinity(0, taken)
            return
    while len(_held) > 0:
        _held.pop().release()
