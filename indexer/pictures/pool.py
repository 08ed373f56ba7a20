"""Decode pictures in worker processes, so that a bad file costs only itself.

A decoder may crash, hang or use up the memory: then its worker dies, the picture becomes a
`DecodeFailure`, and a new worker continues with the next one. Pixels come back through one block
of shared memory, divided into slots. Everything else that is sent is small.
"""

import os
import queue
import signal
import sys
import warnings
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
import pillow_heif
from pebble import ProcessExpired, ProcessPool
from PIL import AvifImagePlugin

from indexer.errors import PicfuseError
from indexer.pictures.decoding import (
    Decoded,
    DecodeFailure,
    DecodeSettings,
    Outcome,
    decode_file,
)
from indexer.pictures.limits import MAX_PIXELS, MEMORY_LIMIT, TIME_LIMIT
from indexer.pictures.quiet import silence
from indexer.pictures.shared_memory import Slots
from indexer.pictures.transform import ImageTransform
from indexer.pictures.workers import start_workers, worker_pool

if sys.platform != "win32":
    import resource

DecodeFile: TypeAlias = Callable[[bytes, DecodeSettings], Outcome]
Contents: TypeAlias = Mapping[Hashable, frozenset[bytes]]  # hashes that pictures, by key, may have

_MAX_BREAKDOWNS = 3  # in a row, of the whole pool, without decoding anything
_NO_PIXELS = np.empty((0, 0, 3), np.uint8)


class DecodingPool:
    """Worker processes that decode pictures; a context manager.

    `time_limit` is in seconds per picture, `memory_limit` in bytes per worker. `task` is the
    function that a worker runs on a path; the worker must be able to import it. `for_thumbnails`:
    pixels are those of a run that also writes thumbnails.
    """

    def __init__(
        self,
        transform: ImageTransform,
        thumbnails: Path | None,
        *,
        workers: int | None = None,
        time_limit: float = TIME_LIMIT,
        memory_limit: int = MEMORY_LIMIT,
        max_pixels: int = MAX_PIXELS,
        task: DecodeFile = decode_file,
        for_thumbnails: bool = False,
    ) -> None:
        self._settings = DecodeSettings(
            transform, thumbnails, max_pixels, memory_limit, for_thumbnails=for_thumbnails
        )
        self._workers = workers or _available_cores()
        self._time_limit = time_limit
        self._task = task
        self._pool: ProcessPool | None = None
        self._slots: Slots | None = None
        self._flight: _Flight | None = None
        self._breakdowns = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill the workers and free the shared memory."""
        self._stop_workers()
        if self._slots is not None:
            block, self._slots = self._slots.block, None  # the pixels must go before the block
            block.close()
            block.unlink()

    def decode_all(
        self, items: Iterable[tuple[Hashable, bytes]], known: Contents | None = None
    ) -> Generator[Outcome, None, None]:
        """Decode each `(key, path)` and yield the outcomes as they arrive, in any order.

        A file with one of the `known` contents of its key is not decoded. At most 64 items are
        pulled ahead. Only one call can run at a time; closing its generator kills the workers.
        """
        if self._flight is not None:
            raise RuntimeError("this pool is already decoding; use a second one")
        self._slots = self._slots or Slots.create(self._workers, self._settings.transform.size)
        self._flight = _Flight(list(range(len(self._slots.pixels))), known or {})
        try:
            yield from self._fly(self._flight, iter(items))
        finally:
            if self._flight.tasks:
                self._stop_workers()
            self._flight = None

    def _fly(self, flight: "_Flight", items: Iterator[tuple[Hashable, bytes]]) -> Iterator[Outcome]:
        while True:
            while flight.free and (item := next(items, None)) is not None:
                self._submit(flight, flight.free.pop(), *item)
            if not flight.tasks:
                return
            task = flight.next_landed()
            if self._broken(task):
                self._submit_again(flight)
            elif task is not None:
                outcome = self._outcome(task)
                flight.land(task)
                yield outcome

    def _submit(self, flight: "_Flight", slot: int, key: Hashable, path: bytes) -> None:
        if self._pool is None:
            slots = self._open_slots
            size = (len(slots.pixels), self._settings.transform.size)
            shared = (slots.block.name, size, self._settings, self._task)
            self._pool = worker_pool(self._workers, _start_worker, shared)
            start_workers(self._pool)
        self._open_slots.clear(slot)
        future: Future[Outcome] = Future()  # stays unfinished if the pool is broken already
        known = flight.known.get(key, frozenset())
        with suppress(RuntimeError):
            future = self._pool.schedule(_work, args=(path, slot, known), timeout=self._time_limit)
        flight.start(_Task(slot, key, path, future))

    def _submit_again(self, flight: "_Flight") -> None:
        self._breakdowns += 1
        if self._breakdowns > _MAX_BREAKDOWNS:
            raise PicfuseError(
                "the decoding workers die before they decode anything, perhaps for lack of memory; "
                "try fewer (--workers 1) or a higher --memory-limit"
            )
        self._stop_workers()
        for task in list(flight.tasks.values()):
            self._submit(flight, task.slot, task.key, task.path)

    def _broken(self, task: "_Task | None") -> bool:
        """Whether pebble gave up: it stops the whole pool when an idle worker dies."""
        if task is not None and not isinstance(task.future.exception(), BrokenProcessPool):
            self._breakdowns = 0
            return False
        return task is not None or self._pool is None or not _is_active(self._pool)

    def _outcome(self, task: "_Task") -> Outcome:
        error = task.future.exception()
        if error is not None:
            return DecodeFailure(task.key, self._open_slots.digest(task.slot), self._reason(error))
        outcome = task.future.result()
        if not isinstance(outcome, Decoded):
            return replace(outcome, key=task.key)
        return replace(outcome, key=task.key, pixels=self._open_slots.pixels[task.slot].copy())

    def _reason(self, error: BaseException) -> str:
        if isinstance(error, TimeoutError):
            return f"decoding took more than {self._time_limit:g} s (to allow more: --time-limit)"
        if isinstance(error, ProcessExpired):
            return f"the decoder crashed ({_exit_status(error.exitcode)})"
        return f"the decoder failed: {type(error).__name__}: {error}"

    @property
    def _open_slots(self) -> Slots:
        # Stored nowhere else: the block cannot be closed while something refers to its pixels.
        if self._slots is None:
            raise RuntimeError("this pool was closed while it was decoding")
        return self._slots

    def _stop_workers(self) -> None:
        if self._pool is not None:
            self._pool.stop()
            self._pool.join()
            self._pool = None


def _is_active(pool: ProcessPool) -> bool:
    """Whether a pool works; starts one that has not started yet, which may fail."""
    try:
        return bool(pool.active)
    except RuntimeError:
        return False


@dataclass(frozen=True, slots=True)
class _Task:
    slot: int
    key: Hashable
    path: bytes
    future: Future[Outcome]


class _Flight:
    """The tasks of one `decode_all`: those in work, those finished, and the free slots."""

    def __init__(self, free: list[int], known: Contents) -> None:
        self.free = free
        self.known = known
        self.tasks: dict[int, _Task] = {}
        self._landed: queue.SimpleQueue[_Task] = queue.SimpleQueue()

    def start(self, task: _Task) -> None:
        self.tasks[task.slot] = task
        task.future.add_done_callback(lambda _: self._landed.put(task))

    def next_landed(self) -> _Task | None:
        """Wait for a finished task; None after a second, when the pool should be checked."""
        try:
            task = self._landed.get(timeout=1.0)
        except queue.Empty:
            return None
        return task if self.tasks.get(task.slot) is task else self.next_landed()

    def land(self, task: _Task) -> None:
        del self.tasks[task.slot]
        self.free.append(task.slot)


@dataclass(frozen=True, slots=True)
class _Worker:
    """State that a worker process keeps between its tasks."""

    slots: Slots
    settings: DecodeSettings
    task: DecodeFile


_worker: _Worker | None = None


def _start_worker(
    block: str, size: tuple[int, int], settings: DecodeSettings, task: DecodeFile
) -> None:
    global _worker
    _worker = _Worker(Slots.attach(block, *size), settings, task)
    restrain(settings.memory_limit)


def restrain(memory_limit: int) -> None:
    """Make this process a worker: quiet, on one core, within a limit of memory in bytes."""
    warnings.simplefilter("ignore")  # Pillow warns about metadata; nobody would read that
    silence()  # so do C libraries
    os.environ["OMP_NUM_THREADS"] = "1"  # of LibRaw: each core has a worker already
    pillow_heif.options.DECODE_THREADS = AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    if sys.platform != "win32":
        with suppress(ValueError, OSError):  # a stricter limit is set already, or none is known
            resource.setrlimit(resource.RLIMIT_AS, (memory_limit, resource.RLIM_INFINITY))


def _work(path: bytes, slot: int, known: frozenset[bytes]) -> Outcome:
    assert _worker is not None
    note = partial(_worker.slots.note, slot)
    outcome = _worker.task(path, replace(_worker.settings, known=known, note=note))
    if not isinstance(outcome, Decoded):
        return outcome
    _worker.slots.pixels[slot] = outcome.pixels
    return replace(outcome, pixels=_NO_PIXELS)


def _available_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _exit_status(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"
