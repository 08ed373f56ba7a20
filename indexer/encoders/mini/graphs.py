"""ONNX graphs of the built-in model: unpacked when they are first used, or quantised."""

from __future__ import annotations

import json
import logging
import shutil
from importlib.util import find_spec
from pathlib import Path

from indexer.encoders.mini.tensors import (
    ALIGNMENT,
    SHIPPED,
    WEIGHTS_SHA256,
    TowerTensors,
    planned_tensors,
)
from indexer.encoders.runtime.graphs import Graph, beside, checksum, receipt_of, run_module
from indexer.encoders.runtime.layout import processor
from indexer.encoders.runtime.mapped import MappedGraph
from indexer.errors import ModelError
from indexer.kinds.extras import INT8_EXTRA, missing_extra

LEAST_COSINE = 0.98  # median cosine of int8 to fp32 embeddings; 0.996 on a suitable processor

logger = logging.getLogger(__name__)


class PackedGraph(MappedGraph):
    """A shipped tower with the tail in the file `heads`, unpacked into the cache in a second."""

    def __init__(
        self, tower: str, cache: Path, heads: Path, heads_hash: str, *, prepacked: bool = True
    ) -> None:
        super().__init__(f"mini-{WEIGHTS_SHA256[:12]}-{heads_hash[:12]}/{tower}", cache)
        self._tower, self._heads = tower, heads
        self.prepacked = prepacked

    def write(self, target: Path, weights: Path) -> None:
        """Copy the graph, and write its weights as it wants them. Raises `ModelError`."""
        shutil.copyfile(SHIPPED / f"{self._tower}.onnx", target)
        with TowerTensors(self._heads) as tensors, weights.open("wb") as file:
            for planned in planned_tensors(self._tower):
                file.seek(planned.offset)
                file.write(tensors.get(planned).tobytes())
            file.truncate(-(-file.tell() // ALIGNMENT) * ALIGNMENT)


class Int8Graph(Graph):
    """An image tower in 8-bit integers, made from the graph of the same tower."""

    def __init__(self, plain: Graph, heads: Path) -> None:
        super().__init__(f"{plain.name}-int8", plain.path.parents[2])
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
        """Quantise the plain tower in a child process, unpacked if need be. Raises `ModelError`.

        The receipt also says for which processor it was made, and how similar its rows are.
        """
        if find_spec("onnx") is None:
            raise missing_extra("int8", "onnx", INT8_EXTRA)
        self._plain.ensure()
        logger.info("building the tower %s, once only; this takes some seconds", path.stem)
        with beside(path) as folder:
            target = Path(folder) / path.name
            words = [str(self._plain.path), str(target), str(self._heads)]
            doing = f"building the tower {path.stem!r}"
            run_module("mini.quantising", *words, doing=doing, made=[target])
            facts = json.loads(target.with_suffix(".facts").read_text("utf-8"))
            facts |= {"xxh3": checksum(target), "processor": processor()}
            receipt = target.with_suffix(".json")
            receipt.write_text(json.dumps(facts))
            target.replace(path)
            receipt.replace(path.with_suffix(".json"))
