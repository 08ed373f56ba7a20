"""Layouts: how a graph uses the cores of this machine, measured once and cached beside the graph.

Two concurrent runs on one core each may be faster than one run on both cores, since neither waits
for the other after each of a hundred small operations; on another machine the opposite is true.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from indexer.files import whole_file

Run: TypeAlias = Callable[[NDArray[np.uint8]], list[NDArray[np.float32]]]

INDEXING_BATCH = 32  # pictures that indexing encodes at a time
BATCHES = (8, 16, 4)
MOST_STREAMS = 8
PATIENCE = 5.0  # seconds after which measuring ends with the results so far
LEAST_GAIN = 1.05  # a layout must be this much faster than earlier ones, since timings are noisy


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


def measured_layout(opened: Callable[[int], Run], pixels: NDArray[np.uint8]) -> Layout:
    """Measure the fastest layout for such pictures; `opened` makes a run with N threads."""
    work = np.resize(pixels, (INDEXING_BATCH, *pixels.shape[1:]))
    until = time.monotonic() + PATIENCE
    runs: dict[int, Run] = {}
    for layout in splits(cores()):
        runs.setdefault(layout.threads, opened(layout.threads))
    split = _fastest(splits(cores()), runs, work, until)
    return _fastest([replace(split, batch=batch) for batch in BATCHES], runs, work, until)


def splits(count: int) -> list[Layout]:
    """Layouts to try on `count` cores: one run on all, one run per core, and some in between."""
    most = min(count, MOST_STREAMS)
    pairs = [(1, count), (most, max(1, count // most)), (2, max(1, count // 2)), (1, count // 2)]
    fitting = dict.fromkeys((s, t) for s, t in pairs if s <= count and t > 0 and s * t <= count)
    return [Layout(*pair) for pair in fitting if pair != (1, 1) or count == 1]


def _fastest(
    layouts: Sequence[Layout], runs: Mapping[int, Run], work: NDArray[np.uint8], until: float
) -> Layout:
    """The fastest of some layouts, timed in turn so that other load affects them equally."""
    best = [np.inf] * len(layouts)
    with ExitStack() as stack:
        streams = [Streams(runs[layout.threads], layout) for layout in layouts]
        for one in streams:
            stack.callback(one.close)
        for _ in range(3):
            for place, one in enumerate(streams):
                best[place] = min(best[place], _seconds(one, work))
            if time.monotonic() > until:
                break
    return _first_of_fastest(layouts, [len(work) / seconds for seconds in best])


def _seconds(streams: Streams, work: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    streams(work)
    return time.perf_counter() - start


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
