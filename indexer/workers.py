"""Start worker processes that never run the program's own main module.

The parent has threads, so plain forking is unsafe. The other ways to start a process import the
parent's `__main__` again in each child, and that may be a Streamlit page, a test runner or a
user's script without a guard: so it is out of sight while a child is being prepared.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from pebble import ProcessPool

if sys.platform == "win32":
    from multiprocessing.context import SpawnContext as BaseContext
    from multiprocessing.context import SpawnProcess as BaseProcess
else:
    from multiprocessing.context import ForkServerContext as BaseContext
    from multiprocessing.context import ForkServerProcess as BaseProcess

_preparing = threading.Lock()


class WorkerProcess(BaseProcess):
    """A process that starts without the parent's main module, and stops at once."""

    def start(self) -> None:
        """Start the process."""
        with _neutral_main():
            super().start()

    def terminate(self) -> None:
        """Kill the process: a decoder that hangs in C code would not hear a polite request."""
        self.kill()


class WorkerContext(BaseContext):
    """The multiprocessing context whose processes are `WorkerProcess`."""

    Process = WorkerProcess


def start_pool(
    workers: int, initializer: Callable[..., None], initargs: tuple[Any, ...]
) -> ProcessPool:
    """Return a pool whose workers run `initializer` first; they start with the first task."""
    context = WorkerContext()
    if sys.platform != "win32":
        # Imported once and then forked: a worker that replaces a dead one starts in milliseconds,
        # and is past its imports, where an interrupt would print a traceback.
        context.set_forkserver_preload([initializer.__module__])
    return ProcessPool(
        max_workers=workers, initializer=initializer, initargs=initargs, context=context
    )


@contextmanager
def _neutral_main() -> Iterator[None]:
    with _preparing:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
