"""Whole processes, timed, with the peak of their memory."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import click

POLL_SECONDS = 0.005  # between two readings of the memory
UNSET = ("PYTHONPATH", "PYTHONHOME", "PYTHONPYCACHEPREFIX", "PICFUSE_LIBRARY")
SET = {"PYTHONDONTWRITEBYTECODE": "", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True, slots=True)
class Command:
    """A process to run: its words, its folder, and additions to its environment."""

    words: Sequence[str | Path]
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes in use: anonymous, and pages of mapped files that were touched."""

    anonymous: int = 0
    mapped: int = 0

    @property
    def total(self) -> int:
        """The sum of both."""
        return self.anonymous + self.mapped


@dataclass(frozen=True, slots=True)
class Run:
    """The outcome of a process: seconds, standard output, and peak memory."""

    seconds: float
    output: str
    memory: Memory


def run(command: Command, *, watch: bool = False) -> Run:
    """Run a process to its end. Raises `ClickException` with its error output if it fails.

    With `watch`, its memory is read every few milliseconds.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command.words],
            cwd=command.folder,
            env=_environment(command.settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        watching = Watch(process.pid) if watch else None
        process.wait()
        seconds = time.perf_counter() - start
        memory = watching.peak() if watching else Memory()
        output.seek(0), errors.seek(0)
        if process.returncode:
            words = " ".join(map(str, command.words))
            raise click.ClickException(f"{words}\n{errors.read()[-2000:]}")
        return Run(seconds, output.read(), memory)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of this process, without variables that lead to other packages.

    Byte code is kept, as for users. No network is used: all models are local files.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in UNSET}
    return inherited | SET | dict(settings)


class Watch:
    """A thread that records the peak memory of a process and of those that it started."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._peak = Memory()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def peak(self) -> Memory:
        """End the watch; returns the largest memory seen."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._ended.wait(POLL_SECONDS):
            self._peak = max(self._peak, memory_of(self._pid), key=lambda memory: memory.total)


def memory_of(pid: int) -> Memory:
    """Current memory of a process and its descendants, from Linux' /proc; 0 if it has ended.

    Pages of files that several of them have mapped count several times.
    """
    parts = [_own_memory(process) for process in (pid, *_descendants(pid))]
    return Memory(sum(part.anonymous for part in parts), sum(part.mapped for part in parts))


def _own_memory(pid: int) -> Memory:
    found = {}
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in ("RssAnon", "RssFile", "RssShmem"):
                found[name] = 1024 * int(value.split()[0])
    return Memory(found.pop("RssAnon", 0), sum(found.values()))


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from _descendants(child)
