"""ONNX graphs of the built-in model, exported and quantised in child processes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from indexer.encoders.runtime.graphs import Graph, beside, checksum, receipt_of, run_module
from indexer.encoders.runtime.layout import processor
from indexer.errors import ModelError

LEAST_COSINE = 0.98  # median cosine of int8 to fp32 embeddings; 0.996 on a suitable processor

logger = logging.getLogger(__name__)


class MiniGraph(Graph):
    """A tower of the built-in model, with the tail in the file `heads`."""

    def __init__(self, name: str, cache: Path, heads: Path) -> None:
        super().__init__(name, cache)
        self._heads = heads

    def export(self, path: Path) -> None:
        """Export the tower in a child process. Raises `ModelError` if that fails."""
        export_tower(self.name, path, self._heads)


class Int8Graph(Graph):
    """An image tower in 8-bit integers, made from the graph of the same tower."""

    def __init__(self, plain: Graph, heads: Path) -> None:
        super().__init__(f"{plain.path.stem}-int8", plain.path.parents[1])
        self._plain, self._heads = plain, heads

    def ensure(self) -> None:
        """Quantise the tower unless it is cached and was compared on a processor like this one.

        Raises `ModelError` if its embeddings differ on this processor: some processors lack the
        instructions for it, and their arithmetic overflows.
        """
        super().ensure()
        cosine = receipt_of(self.path).get("agreement")
        if not isinstance(cosine, float) or not cosine >= LEAST_COSINE:
            raise ModelError(
                f"{self.path}: int8 is not accurate enough on this processor (cosine to fp32: "
                f"{cosine}); use --precision fp32"
            )

    @property
    def is_made(self) -> bool:
        """Whether the tower is cached, and was compared on a processor like this one."""
        return self.cached and receipt_of(self.path).get("processor") == processor()

    def export(self, path: Path) -> None:
        """Quantise the plain tower in a child process, exported if need be. Raises `ModelError`."""
        self._plain.ensure()
        quantise_tower(self._plain.path, path, self._heads)


def export_tower(name: str, path: Path, heads: Path) -> None:
    """Export a tower, with its tail, in another process, so that this one imports no torch.

    Writes the file as a whole or not at all. Raises `ModelError` with the export's message.
    """
    logger.info("exporting the tower %s to ONNX, once only; this takes up to a minute", name)
    tower = name.split("-")[0]  # the rest of a name is the hash of its weights
    _make(path, f"exporting the tower {name!r}", "mini.export", [tower], [str(heads)])


def quantise_tower(plain: Path, path: Path, heads: Path) -> None:
    """Quantise an exported image tower in another process. Raises `ModelError`."""
    logger.info("building the tower %s, once only; this takes some seconds", path.stem)
    _make(path, f"building the tower {path.stem!r}", "mini.quantising", [str(plain)], [str(heads)])


def _make(path: Path, doing: str, module: str, before: list[str], after: list[str]) -> None:
    """Let a module of `indexer.encoders` write a graph, as a whole or not at all.

    JSON that the module writes to a file `.facts` beside the graph goes into its receipt.
    """
    with beside(path) as folder:
        target = Path(folder) / path.name
        run_module(module, *before, str(target), *after, doing=doing, made=[target])
        receipt = target.with_suffix(".json")
        facts = {"xxh3": checksum(target), "processor": processor()} | _facts(target)
        receipt.write_text(json.dumps(facts))
        target.replace(path)
        receipt.replace(path.with_suffix(".json"))


def _facts(target: Path) -> dict[str, Any]:
    written = target.with_suffix(".facts")
    return dict(json.loads(written.read_text())) if written.is_file() else {}
