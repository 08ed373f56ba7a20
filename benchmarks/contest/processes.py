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

EVERY = 0.005  # seconds between two looks at the memory
UNSET = ("PYTHONPATH", "PYTHONHOME", "PYTHONPYCACHEPREFIX", "PICFUSE_LIBRARY")
SET = {"PYTHONDONTWRITEBYTECODE": "", "HF_HUB_OFFLINE": "1"}


@dataclass(frozen=True, slots=True)
class Command:
    """A process to be: its words, the folder it runs in, and what its environment has more."""

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
        """Both together."""
        return self.anonymous + self.mapped


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a process: seconds, standard output, and its memory when it had most."""

    seconds: float
    output: str
    memory: Memory


def run(command: Command, *, watch: bool = False) -> Run:
    """Run a process to its end. Raises `ClickException`, with what it said, when it fails.

    Its memory is looked at only if asked for, every few milliseconds.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command.words],
            cwd=command.folder,
            env=_environment(command.settings),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=said,
        )
        watching = Watch(process.pid) if watch else None
        process.wait()
        seconds = time.perf_counter() - start
        memory = watching.peak() if watching else Memory()
        output.seek(0), said.seek(0)
        if process.returncode:
            words = " ".join(map(str, command.words))
            raise click.ClickException(f"{words}\n{said.read()[-2000:]}")
        return Run(seconds, output.read(), memory)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """That of this process, without what leads to other packages; byte code is kept as for users.

    Nobody asks a network: all models are local files.
    """
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return kept | SET | dict(settings)


class Watch:
    """A thread that keeps the peak of the memory of a process and of those that it started."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._peak = Memory()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def peak(self) -> Memory:
        """The largest sum that was seen; ends the watch."""
        self._ended.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._ended.wait(EVERY):
            self._peak = max(self._peak, memory_of(self._pid), key=lambda memory: memory.total)


def memory_of(pid: int) -> Memory:
    """What a process and its descendants use now, from Linux' /proc; nothing when it has ended.

    Pages of files that several of them have mapped count once for each.
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
