"""ONNX graphs of the towers: exported once, cached by fingerprint, run by ONNX Runtime."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.encoders.runtime.layout import (
    Layout,
    Run,
    Streams,
    keep_layout,
    kept_layout,
    measured_layout,
)
from indexer.errors import ModelError
from indexer.interpreter import module_command, module_environment

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else it tells its makers of each session, as it starts
import onnxruntime

MANY = 16  # pictures from which on it is worth measuring what is the fastest way
SHORTEST = 2  # tokens: PyTorch exports no axis that may have one element as one of any length
_PART = 1 << 20  # bytes at a time: what is read so does not count as memory of this process

RUNTIME = f"onnxruntime {onnxruntime.__version__}"

logger = logging.getLogger(__name__)


class Graph(ABC):
    """One cached tower, opened when it is first run."""

    def __init__(self, name: str, cache: Path) -> None:
        self.name = name
        self.path = cache / "towers" / f"{name}.onnx"
        self._session: onnxruntime.InferenceSession | None = None
        self._streams: Streams | None = None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """The tower's outputs for one batch."""
        outputs: list[NDArray[np.float32]] = self._running().run(None, dict(inputs))
        return outputs

    def run_tokens(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """The rows of tokens (n, length), without what is blank at the end of all of them, where
        the graph takes any length.
        """
        session = self._running()
        (wanted,) = session.get_inputs()
        fixed = isinstance(wanted.shape[1], int)
        rows: NDArray[np.float32]
        (rows,) = session.run(None, {wanted.name: tokens if fixed else shortened(tokens)})
        return rows

    def _running(self) -> onnxruntime.InferenceSession:
        if self._session is None:
            self.ensure()
            self._session = self._open()
        return self._session

    def _open(self) -> onnxruntime.InferenceSession:
        return open_session(self.path)

    def run_pixels(self, pixels: NDArray[np.uint8]) -> list[list[NDArray[np.float32]]]:
        """The outputs of an image tower, in parts that suit this machine.

        What suits it is measured with the first pictures that are many, once, in some seconds.
        """
        if self._streams is None or (not self._streams.layout.rate and len(pixels) >= MANY):
            self._streams = self._opened(self.layout(pixels))
        return self._streams(pixels)

    def rest(self) -> None:
        """Close it, with the memory that it holds; the next run opens it again."""
        if self._streams is not None:
            self._streams.close()
        self._session = self._streams = None

    def layout(self, pixels: NDArray[np.uint8]) -> Layout:
        """How to run pictures on this machine: as it was measured, or is with these."""
        self.ensure()
        path = self.path.with_suffix(".layout")
        graph = str(receipt_of(self.path).get("xxh3"))
        found = kept_layout(path, graph)
        if found is None and len(pixels) >= MANY:
            logger.info("measuring the fastest way to run the tower %s, once only", self.name)
            found = measured_layout(self._run_of, pixels)
            keep_layout(path, graph, found)
        return found or Layout()

    @property
    def cached(self) -> bool:
        """Whether the exported graph is there and whole."""
        try:
            return checksum(self.path) == receipt_of(self.path).get("xxh3")
        except OSError:
            return False

    def ensure(self) -> None:
        """Export the tower unless it is cached; takes some seconds and imports torch elsewhere."""
        if not self.cached:
            self.export(self.path)

    @abstractmethod
    def export(self, path: Path) -> None:
        """Write the tower's graph to a file, which appears whole or not at all.

        Raises `ModelError` when that fails.
        """

    def _opened(self, layout: Layout) -> Streams:
        return Streams(self._run_of(layout.threads), layout)

    def _run_of(self, threads: int) -> Run:
        session = open_session(self.path, threads)
        return lambda part: session.run(None, {"pixels": part})


def shortened(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """Tokens (n, length) without the columns at the end that hold nothing but blanks (0)."""
    used = np.flatnonzero((tokens != 0).any(axis=0))
    return tokens[:, : max([SHORTEST, *(used[-1:] + 1)])]


def checksum(path: Path) -> str:
    """The checksum of a file of this cache (XXH3, 128 bits)."""
    found = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while part := file.read(_PART):
            found.update(part)
    return found.hexdigest()


def receipt_of(path: Path) -> dict[str, Any]:
    """What is noted beside a graph: its hash and more; empty where that is lost."""
    try:
        receipt = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return {}
    return receipt if isinstance(receipt, dict) else {}


def open_session(
    path: Path, threads: int = 0, *, prepacked: bool = True
) -> onnxruntime.InferenceSession:
    """A graph in ONNX Runtime, optimised as it opens: in a tenth of a second.

    A graph saved as it is optimised for one processor would not run well on another one, and
    would open only 70 ms sooner. `prepacked`: its weights are laid out anew for the processor.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Its threads would go on burning the cores for a while after each run: those that decode
    # the next pictures, or that answer another query.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.disable_prepacking", "0" if prepacked else "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_module(module: str, *words: str, doing: str, made: Sequence[Path]) -> None:
    """Run a module of `indexer.encoders` in a process of its own, which makes some files.

    Raises `ModelError` with what it said where it fails or one of them is not there.
    """
    run = subprocess.run(
        module_command(f"indexer.encoders.{module}", *words),
        env=module_environment(),
        capture_output=True,
        text=True,
        errors="replace",
    )
    if run.returncode or not all(path.is_file() for path in made):
        said = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"{doing} failed: {said}")


@contextmanager
def beside(path: Path) -> Iterator[str]:
    """A temporary folder next to a file of the cache. Raises `ModelError` without one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=path.parent)
    except OSError as error:
        raise ModelError(
            f"{path.parent}: towers cannot be stored there ({error.strerror}); free some space "
            "or make it writable"
        ) from error
    with folder:
        yield folder.name
