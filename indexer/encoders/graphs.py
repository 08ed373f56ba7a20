"""ONNX graphs of the towers: exported once, cached by fingerprint, run by ONNX Runtime."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.heads import file_hash
from indexer.errors import ModelError
from indexer.interpreter import module_command, module_environment

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else it tells its makers of each session, as it starts
import onnxruntime

logger = logging.getLogger(__name__)


class Graph:
    """One cached tower, opened when it is first run."""

    def __init__(self, name: str, cache: Path, heads: Path) -> None:
        self.path = cache / "towers" / f"{name}.onnx"
        self._tower, self._heads = name, heads
        self._session: onnxruntime.InferenceSession | None = None

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """The tower's outputs for one batch."""
        if self._session is None:
            self._session = self._open()
        outputs: list[NDArray[np.float32]] = self._session.run(None, dict(inputs))
        return outputs

    @property
    def cached(self) -> bool:
        """Whether the exported graph is there and whole."""
        try:
            expected = json.loads(self.path.with_suffix(".json").read_text())["sha256"]
            return file_hash(self.path) == str(expected)
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def ensure(self) -> None:
        """Export the tower unless it is cached; takes some seconds and imports torch elsewhere."""
        if not self.cached:
            export_tower(self._tower, self.path, self._heads)

    def _open(self) -> onnxruntime.InferenceSession:
        self.ensure()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Its threads would go on burning the cores for a while after each run: those that decode
        # the next pictures, or that answer another query.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(
            str(self.path), options, providers=["CPUExecutionProvider"]
        )


def export_tower(name: str, path: Path, heads: Path) -> None:
    """Export a tower, with its part of a heads file, elsewhere: so this process imports no torch.

    The file appears whole or not at all. Raises `ModelError` with what the export said.
    """
    logger.info("exporting the tower %s to ONNX, once; this takes up to a minute", name)
    with _beside(path) as folder:
        target = Path(folder) / path.name
        tower = name.split("-")[0]  # the rest of a name is the hash of its weights
        run = subprocess.run(
            module_command("indexer.encoders.towers", tower, str(target), str(heads)),
            env=module_environment(),
            capture_output=True,
            text=True,
            errors="replace",
        )
        if run.returncode or not target.is_file():
            said = (run.stderr.strip().splitlines() or ["no message"])[-1]
            raise ModelError(f"exporting the tower {name!r} failed: {said}")
        receipt = target.with_suffix(".json")
        receipt.write_text(json.dumps({"sha256": file_hash(target)}))
        target.replace(path)
        receipt.replace(path.with_suffix(".json"))


@contextmanager
def _beside(path: Path) -> Iterator[str]:
    """A temporary folder next to a file of the cache. Raises `ModelError` without one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=path.parent)
    except OSError as error:
        raise ModelError(
            f"{path.parent}: towers cannot be kept there ({error.strerror}); free some space or "
            "make it writable"
        ) from error
    with folder:
        yield folder.name
