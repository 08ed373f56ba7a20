"""Silence for C libraries that print: their lines name no file and would end up between results."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_STDERR = 2
_lock = threading.Lock()


@contextmanager
def quietly(needed: bool = True) -> Iterator[None]:
    """Discard standard error meanwhile."""
    if not needed:
        yield
        return
    with _lock:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # standard error is closed: nothing can be printed
            yield
            return
        try:
            sys.stderr.flush()
            silence()
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)


def silence() -> None:
    """Discard standard error from now on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDERR)
    os.close(nowhere)
