"""The process of a command: whatever happens in it, it ends with a known exit status."""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn, TextIO

import click

from indexer.locations import log_directory
from ui.cli.output.text import terminal_safe

UNEXPECTED, UNWRITABLE, CLOSED = 70, 74, 141  # the first two from sysexits.h; 128 + SIGPIPE
LARGEST_LOG = 1 << 20  # bytes; a longer log begins anew
_OUT_OF_MEMORY = ("bad_alloc", "cannot allocate memory", "failed to allocate", "out of memory")


def run_command(command: Callable[[], None]) -> NoReturn:
    """Run a command of click and exit.

    If standard output or error is full, or its reader is gone, the status is `UNWRITABLE` or
    `CLOSED` and nothing is said, as nobody may be there to read it. An error that nobody expected
    becomes one line, the status `UNEXPECTED`, and a traceback in the log.
    """
    sys.stdout, sys.stderr = _watched(sys.stdout, 1), _watched(sys.stderr, 2)
    try:
        try:
            command()
        except Exception as error:
            with suppress(Exception):  # memory may be too short even for that
                _report(error)
            sys.exit(UNEXPECTED)
        sys.exit(0)
    finally:
        sys.stdout.flush()  # now, since at the end of the interpreter it is too late for a status


class _Stream(io.FileIO):
    """A standard stream that ends the process when it cannot be written to."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            _discard(self.fileno())
            sys.exit(CLOSED if error.errno == errno.EPIPE else UNWRITABLE)


def _watched(stream: TextIO | None, number: int) -> TextIO:
    """A standard stream, watched; a closed one is as unwritable as a full one."""
    if stream is None:
        unwritable = os.open(os.devnull, os.O_RDONLY)  # or the next file would be the output
        os.dup2(unwritable, number)
    watched = _Stream(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(watched),
        encoding=getattr(stream, "encoding", "utf-8"),
        errors=getattr(stream, "errors", "backslashreplace"),
        line_buffering=number == 2 or watched.isatty(),
    )


def _discard(number: int) -> None:
    """Drop what is still written to a stream, so that no second error follows the first."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)


def _report(error: Exception) -> None:
    """Print one line about an unexpected error, and write its traceback to the log."""
    lines = "".join(traceback.format_exception(error))
    try:
        place = f"the details are in {_logged(lines)}"
    except OSError as failed:
        place = f"the log cannot be written ({failed.strerror}), so the details follow"
    click.echo(f"picfuse: {_said(error)}; {terminal_safe(place)}", err=True)
    if place.startswith("the log"):
        click.echo(lines, err=True, nl=False)


def _said(error: Exception) -> str:
    """The error in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, MemoryError) or any(sign in text.lower() for sign in _OUT_OF_MEMORY):
        return "out of memory; close other programs, or allow this one more"
    what = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"unexpected error ({terminal_safe(what)}); please report it"


def _logged(lines: str) -> Path:
    """Append to the log, with time and command; its path. Raises `OSError`."""
    path = log_directory() / "errors.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.exists() and path.stat().st_size < LARGEST_LOG
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    with path.open("a" if begun else "w", encoding="utf-8", errors="backslashreplace") as log:
        log.write(f"{now} {' '.join(map(repr, sys.argv[1:]))}\n{lines}\n")
    return path
