"""Ctrl-C and SIGTERM: stop after the current batch, with nothing lost."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SAID = b"\rpicfuse: stopping after this batch; press Ctrl-C again to stop at once\n"


@dataclass(slots=True)
class Ending:
    """A request to stop: `status` is the exit status for the signal received, 0 if none.

    If not `patient`, nothing is under way that must be finished: Ctrl-C stops at once.
    """

    status: int = 0
    patient: bool = False

    def is_asked_for(self) -> bool:
        """Whether a signal was received."""
        return self.status != 0


def exit_status(error: KeyboardInterrupt) -> int:
    """The exit status of an interrupt: 130 for Ctrl-C, 143 for SIGTERM."""
    return error.args[0] if error.args else 128 + signal.SIGINT


@contextmanager
def ended_by_signals(*, patient: bool = False) -> Iterator[Ending]:
    """Record both signals instead of ending; a second Ctrl-C interrupts at once."""
    ending = Ending(patient=patient)

    def heard(number: int, frame: FrameType | None) -> None:
        again, ending.status = ending.status, 128 + number
        if again or not ending.patient:
            raise KeyboardInterrupt(ending.status)
        if sys.stderr.isatty():
            os.write(sys.stderr.fileno(), _SAID)

    before = {number: signal.signal(number, heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
