"""Start worker processes that never run the program's own main module.

The parent has threads, so plain forking is unsafe. The other ways to start a process import the
parent's `__main__` again in each child, and that may be a Streamlit page, a test runner or a
user's script without a guard. So it is hidden while a child is being prepared.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType
from typing import Any

from pebble import ProcessPool

if sys.platform == "win32":
    from multiprocessing.context import SpawnContext as BaseContext
    from multiprocessing.context import SpawnProcess as BaseProcess
else:
    from multiprocessing import forkserver, resource_tracker
    from multiprocessing.context import ForkServerContext as BaseContext
    from multiprocessing.context import ForkServerProcess as BaseProcess

_preparing = threading.Lock()


class WorkerProcess(BaseProcess):
    """A process that starts without the parent's main module, and stops at once."""

    def start(self) -> None:
        """Start the process."""
        with _preparing, _neutral_main(), _safe_path(), _interrupts_blocked():
            super().start()

    def terminate(self) -> None:
        """Kill the process: a decoder that hangs in C code would not hear a polite request."""
        self.kill()


class WorkerContext(BaseContext):
    """The multiprocessing context whose processes are `WorkerProcess`."""

    Process = WorkerProcess


def worker_pool(
    workers: int, initializer: Callable[..., None], initargs: tuple[Any, ...]
) -> ProcessPool:
    """Return a pool, not yet started, whose workers run `initializer` first."""
    context = WorkerContext()
    if sys.platform != "win32":
        # Imported once and then forked: a worker that replaces a dead one starts in milliseconds.
        context.set_forkserver_preload([initializer.__module__])
    return ProcessPool(
        max_workers=workers, initializer=initializer, initargs=initargs, context=context
    )


def prepare_workers(module: str) -> None:
    """Load a module in the background, so that later workers start in milliseconds.

    Does nothing if that was done before. If it fails, the workers start more slowly and report
    what is wrong.
    """
    if sys.platform != "win32":
        with suppress(OSError), _preparing, _neutral_main(), _safe_path(), _interrupts_blocked():
            forkserver.set_forkserver_preload([module])
            forkserver.ensure_running()


def start_workers(pool: ProcessPool) -> None:
    """Start the workers of a pool.

    A thread of its own does it, because Ctrl-C is raised in the main one: it could come after a
    worker has started and before the pool knows of it, and nobody would stop that worker.
    """
    starter = threading.Thread(target=_start, args=(pool,), daemon=True)
    starter.start()
    starter.join()


def _start(pool: ProcessPool) -> None:
    with suppress(OSError, RuntimeError):  # the first task meets the same error, and reports it
        _ = pool.active


@contextmanager
def _neutral_main() -> Iterator[None]:
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _safe_path() -> Iterator[None]:
    """Keep a starting interpreter from importing from the current folder, perhaps of pictures."""
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let children inherit blocked signals: when a whole group is ended, the parent decides."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # it would unblock them if it started below
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
