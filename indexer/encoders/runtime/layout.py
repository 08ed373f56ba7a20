"""Layouts: how a graph uses the cores of this machine, measured at work and cached beside it.

Two concurrent runs on one core each may be faster than one run on both cores, since neither waits
for the other after each of a hundred small operations; on another machine the opposite is true.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.files import whole_file

Run: TypeAlias = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]

BATCHES = (8, 16, 4)
MOST_STREAMS = 8
INT8_FLAGS = {"avx512_vnni", "avx_vnni", "asimddp"}  # as Linux names them
ROUNDS = 2  # turns of each layout; the better one counts
LEAST_GAIN = 1.05  # a layout must be this much faster than earlier ones, since timings are noisy
LEAST_SHARE = 0.7  # of its cores' time that a run must get, or other programs decide what is fast


@dataclass(frozen=True, slots=True)
class Layout:
    """`streams` concurrent runs of `batch` pictures, with `threads` each (0: one per core).

    `rate` is the measured number of pictures per second, 0 if it was not measured.
    """

    streams: int = 1
    threads: int = 0
    batch: int = 8
    rate: float = 0.0


class Streams:
    """Runs a graph according to a layout; may be called by several threads."""

    def __init__(self, run: Run, layout: Layout) -> None:
        self._run, self.layout = run, layout
        self._pool = ThreadPoolExecutor(layout.streams) if layout.streams > 1 else None

    def __call__(self, pixels: NDArray[np.uint8]) -> list[list[NDArray[np.float32]]]:
        """Run pictures in parts; returns the outputs of each part, in order."""
        least = -(-len(pixels) // self.layout.batch)
        count = max(least, min(self.layout.streams, len(pixels)))
        parts = np.array_split(pixels, count) if count else []
        return list(self._pool.map(self._run, parts) if self._pool else map(self._run, parts))

    def close(self) -> None:
        """End the threads."""
        if self._pool:
            self._pool.shutdown()


def kept_layout(path: Path, graph: str) -> Layout | None:
    """Read the layout in a file; None unless it was measured here for the graph of this hash."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        stored = json.loads(path.read_text("utf-8"))
        if stored["machine"] == machine() and stored["graph"] == graph:
            layout = Layout(**stored["layout"])
            return layout if _is_sound(layout) else None
    return None


def keep_layout(path: Path, graph: str, layout: Layout) -> None:
    """Store a layout for the next time; if that fails, it will be measured again."""
    facts = {"machine": machine(), "graph": graph, "layout": asdict(layout)}
    with suppress(OSError), whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")


def machine() -> dict[str, Any]:
    """The processor and the software that a measurement is valid for."""
    from importlib.metadata import version  # 10 ms, saved by queries

    facts = {"processor": processor(), "system": platform.platform(), "cores": cores()}
    return facts | {"runtime": version("onnxruntime")}


def cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LayoutTrials:
    """Finds the fastest layout at work: each large batch tries one.

    First the splits of the cores take turns, then the sizes of a batch, so that other load affects
    all of them equally. `opened` makes a run with N threads. `found` becomes the fastest layout;
    `disturbed` tells that other programs kept the cores from it.
    """

    def __init__(self, opened: Callable[[int], Run]) -> None:
        self._opened = opened
        self._runs: dict[int, Run] = {}
        self._candidates = splits(cores())
        self._rates: dict[Layout, float] = {}
        self._shares: dict[Layout, float] = {}
        self._turns = self._candidates * ROUNDS
        self._sizes_follow = True
        self.found: Layout | None = None
        self.disturbed = False

    def __call__(self, pixels: NDArray[np.uint8]) -> list[list[NDArray[np.float32]]]:
        """Run pictures in the layout whose turn it is; returns the outputs of each part."""
        layout = self._turns.pop(0)
        if layout.threads not in self._runs:
            self._runs[layout.threads] = self._opened(layout.threads)
        with closing(Streams(self._runs[layout.threads], layout)) as streams:
            start, before = time.perf_counter(), time.process_time()
            outputs = streams(pixels)
            seconds, worked = time.perf_counter() - start, time.process_time() - before
        if (rate := len(pixels) / seconds) > self._rates.get(layout, 0.0):
            self._rates[layout] = rate
            self._shares[layout] = worked / (seconds * layout.streams * layout.threads)
        if not self._turns:
            self._next_round()
        return outputs

    def _next_round(self) -> None:
        fastest = _first_of_fastest(self._candidates, [self._rates[c] for c in self._candidates])
        if self._sizes_follow:
            self._sizes_follow = False
            self._candidates = [replace(fastest, batch=batch, rate=0.0) for batch in BATCHES]
            self._turns = [c for c in self._candidates if c not in self._rates] * ROUNDS
        else:
            self.found = fastest
            self.disturbed = self._shares[replace(fastest, rate=0.0)] < LEAST_SHARE


def splits(count: int) -> list[Layout]:
    """Layouts to try on `count` cores: one run on all, one run per core, and some in between."""
    most = min(count, MOST_STREAMS)
    pairs = [(1, count), (most, max(1, count // most)), (2, max(1, count // 2)), (1, count // 2)]
    fitting = dict.fromkeys((s, t) for s, t in pairs if s <= count and t > 0 and s * t <= count)
    return [Layout(*pair) for pair in fitting if pair != (1, 1) or count == 1]


def _first_of_fastest(layouts: Sequence[Layout], rates: Iterable[float]) -> Layout:
    """The first layout, unless a later one is faster by at least `LEAST_GAIN`."""
    fastest = Layout()
    for layout, rate in zip(layouts, rates, strict=True):
        if rate > LEAST_GAIN * fastest.rate:
            fastest = replace(layout, rate=round(rate, 1))
    return fastest


def _is_sound(layout: Layout) -> bool:
    numbers = (layout.streams, layout.threads, layout.batch)
    whole = all(type(number) is int for number in numbers)
    return (
        whole
        and 1 <= layout.streams <= 64
        and 0 <= layout.threads <= 1024
        and (1 <= layout.batch <= 1024 and isinstance(layout.rate, float))
    )


def processor() -> str:
    """Name of the processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def multiplies_int8_fast() -> bool:
    """Whether this processor has instructions for sums of products of 8-bit integers.

    With them a quantised tower runs about twice as fast as in fp32, without them no faster.
    """
    if platform.machine() == "arm64":  # Apple's; Linux says "aarch64"
        return True
    with suppress(OSError):
        flags = set(Path("/proc/cpuinfo").read_text("utf-8", "replace").split())
        return not flags.isdisjoint(INT8_FLAGS)
    return False
