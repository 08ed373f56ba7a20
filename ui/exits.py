"""Ctrl-C and SIGTERM: end after the batch at hand, with nothing lost."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

_SAID = b"\rpicfuse: ending after this batch; Ctrl-C again ends at once\n"


@dataclass(slots=True)
class Ending:
    """Whether somebody asked to end, and the exit status that says who; 0 while nobody did.

    Not `patient`: nothing is under way that would have to be finished, so Ctrl-C ends at once.
    """

    status: int = 0
    patient: bool = False

    def is_asked_for(self) -> bool:
        """Whether it is to end."""
        return self.status != 0


def exit_status(error: KeyboardInterrupt) -> int:
    """The exit status of an interrupt: 130 for Ctrl-C, 143 for SIGTERM."""
    return error.args[0] if error.args else 128 + signal.SIGINT


@contextmanager
def ended_by_signals(*, patient: bool = False) -> Iterator[Ending]:
    """Note the signals instead of being ended by them; a second Ctrl-C interrupts at once."""
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
