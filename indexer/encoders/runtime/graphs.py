"""ONNX graphs of the towers: made once, cached by fingerprint, run by ONNX Runtime."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from indexer.encoders.runtime.layout import (
    Layout,
    LayoutTrials,
    Run,
    Streams,
    keep_layout,
    kept_layout,
)
from indexer.errors import ModelError
from indexer.interpreter import module_command, module_environment

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before its import; otherwise it reports every session
import onnxruntime

TRY_FROM_PICTURES = 16  # of a batch whose time tells how fast a layout is
FEWEST_TOKENS = 2  # PyTorch exports no axis of variable length that may have the length 1
_PART = 1 << 20  # bytes read at a time, so that a file does not count as memory of this process

RUNTIME = f"onnxruntime {onnxruntime.__version__}"

logger = logging.getLogger(__name__)


class Graph(ABC):
    """A cached tower, opened when it is first run."""

    def __init__(self, name: str, cache: Path) -> None:
        self.name = name
        self.path = cache / "towers" / f"{name}.onnx"
        self._session: onnxruntime.InferenceSession | None = None
        self._streams: Streams | None = None
        self._trials: LayoutTrials | None = None
        self._found: Layout | None = None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Run one batch; returns the tower's outputs."""
        outputs: list[NDArray[np.float32]] = self._running().run(None, dict(inputs))
        return outputs

    def run_tokens(self, tokens: NDArray[np.int64]) -> NDArray[np.float32]:
        """Run tokens (n, length); drops blanks at the end of all if the graph takes any length."""
        session = self._running()
        (tokens_input,) = session.get_inputs()
        fixed = isinstance(tokens_input.shape[1], int)
        (rows,) = self.run({tokens_input.name: tokens if fixed else shortened(tokens)})
        return rows

    def _running(self) -> onnxruntime.InferenceSession:
        if self._session is None:
            self.ensure()
            self._session = self._open()
        return self._session

    def _open(self) -> onnxruntime.InferenceSession:
        return open_session(self.path)

    def run_pixels(self, pixels: NDArray[np.uint8]) -> list[list[NDArray[np.float32]]]:
        """Run an image tower; returns the outputs in parts that suit this machine.

        The first large batches of pictures try different parts, and the fastest are kept: for the
        next process too, unless the machine was so busy that they say little.
        """
        if self._streams is None:
            self._streams = self._opened(self._found or self.layout() or Layout())
        if not self._streams.layout.rate and len(pixels) >= TRY_FROM_PICTURES:
            return self._try(pixels)
        return self._streams(pixels)

    def _try(self, pixels: NDArray[np.uint8]) -> list[list[NDArray[np.float32]]]:
        if self._trials is None:
            self._trials = LayoutTrials(self._run_of)
        outputs = self._trials(pixels)
        if self._trials.found is not None:
            self._found = self._trials.found
            if not self._trials.disturbed:
                keep_layout(self._layout_file, self._hash, self._found)
            self.rest()
        return outputs

    def rest(self) -> None:
        """Close the session and release its memory; the next run reopens it."""
        if self._streams is not None:
            self._streams.close()
        self._session = self._streams = self._trials = None

    def layout(self) -> Layout | None:
        """The fastest layout for pictures on this machine; None until it is known."""
        self.ensure()
        return kept_layout(self._layout_file, self._hash)

    @property
    def _layout_file(self) -> Path:
        return self.path.with_suffix(".layout")

    @property
    def _hash(self) -> str:
        return str(receipt_of(self.path).get("xxh3"))

    @property
    def cached(self) -> bool:
        """Whether the graph exists and is undamaged."""
        try:
            return checksum(self.path) == receipt_of(self.path).get("xxh3")
        except OSError:
            return False

    def ensure(self) -> None:
        """Make the graph unless that is done, which may take seconds.

        Waits instead if another picfuse makes it.
        """
        if not self.is_made:
            with alone(self.path):
                if not self.is_made:
                    self.make(self.path)

    @property
    def is_made(self) -> bool:
        """Whether nothing has to be made."""
        return self.cached

    @abstractmethod
    def make(self, path: Path) -> None:
        """Write the tower's graph to a file, as a whole or not at all.

        Raises `ModelError` if that fails.
        """

    def _opened(self, layout: Layout) -> Streams:
        return Streams(self._run_of(layout.threads), layout)

    def _run_of(self, threads: int) -> Run:
        session = open_session(self.path, threads)
        return lambda part: session.run(None, {"pixels": part})


def shortened(tokens: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop trailing columns of tokens (n, length) that hold only blanks (0)."""
    used = np.flatnonzero((tokens != 0).any(axis=0))
    return tokens[:, : max([FEWEST_TOKENS, *(used[-1:] + 1)])]


def checksum(path: Path) -> str:
    """Checksum of a file in this cache (XXH3, 128 bits)."""
    digest = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        while part := file.read(_PART):
            digest.update(part)
    return digest.hexdigest()


def receipt_of(path: Path) -> dict[str, Any]:
    """The record stored beside a graph: its checksum and more; empty if it is lost."""
    try:
        receipt = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return {}
    return receipt if isinstance(receipt, dict) else {}


def open_session(
    path: Path, threads: int = 0, *, prepacked: bool = True
) -> onnxruntime.InferenceSession:
    """Open a graph in ONNX Runtime, which optimises it in a tenth of a second.

    Saving the optimised graph would make opening only 70 ms faster, and the file would not run
    well on another processor. `prepacked`: rearrange the weights for the processor.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # an error is raised, and then said once
    options.intra_op_num_threads = threads
    # After each run its threads would spin for a while, on cores that are needed to decode the
    # next pictures or to answer another query.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.disable_prepacking", "0" if prepacked else "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run_module(module: str, *words: str, doing: str, made: Sequence[Path]) -> None:
    """Run a module of `indexer.encoders` in another process, to make some files.

    Raises `ModelError` with its last message if it fails or a file is missing.
    """
    run = subprocess.run(
        module_command(f"indexer.encoders.{module}", *words),
        env=module_environment(),
        capture_output=True,
        text=True,
        errors="replace",
    )
    if run.returncode or not all(path.is_file() for path in made):
        message = (run.stderr.strip().splitlines() or ["no message"])[-1]
        raise ModelError(f"{doing} failed: {message}")


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Be the only process that makes a file of the cache. Raises `ModelError`."""
    locks = import_module("filelock")  # imported late: a query makes nothing
    lock = locks.FileLock(path.with_name(f".{path.stem}.lock"), thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise unwritable_error(path.parent, error) from error
    except NotImplementedError:  # a file system without locks: both make it, and the last one wins
        pass
    try:
        yield
    finally:
        lock.release()


def unwritable_error(folder: Path, error: OSError) -> ModelError:
    """The error for a cache that cannot be written to."""
    return ModelError(
        f"{folder}: towers cannot be stored there ({error.strerror}); free some space, make it "
        "writable, or name another cache directory in XDG_CACHE_HOME"
    )


@contextmanager
def beside(path: Path) -> Iterator[str]:
    """Yield a temporary folder next to a file of the cache.

    Raises `ModelError` if nothing can be stored there, then or while the folder is filled.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            yield folder
    except OSError as error:
        raise unwritable_error(path.parent, error) from error
