"""Towers with weights mapped into memory, whose sessions start in a tenth of the time.

ONNX Runtime parses and copies weights inside a graph: 90 MB for the text tower. Weights in a
separate file are mapped instead, and a query reads only those that it needs.
"""

from __future__ import annotations

import json
import sys
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.runtime.graphs import (
    Graph,
    beside,
    checksum,
    open_session,
    receipt_of,
    run_module,
)

FEW = 8  # texts, as services batch queries
REARRANGE_AFTER = 3  # queries: a process that asked so often will ask again

if TYPE_CHECKING:  # graphs.py imports it, after switching off its telemetry
    import onnxruntime


class MappedGraph(Graph):
    """A cached tower in two files: the graph, and beside it the mapped weights."""

    # Rearranging the weights for the processor copies them. That takes longer than to encode some
    # queries, saves more than half of the time of each, and hardly any for many captions at once.
    prepacked = False
    _queries = 0

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[np.float32]]:
        """Run one batch; after some queries reopens the tower with rearranged weights."""
        outputs = super().run(inputs)
        if not self.prepacked and len(next(iter(inputs.values()))) <= FEW:
            self._queries += 1
            if self._queries == REARRANGE_AFTER:
                with suppress(Exception):  # ONNX Runtime's own; the present session goes on
                    self._session = open_session(self.path)
        return outputs

    def rest(self) -> None:
        """Close the session and release its memory, that of rearranged weights too."""
        super().rest()
        self._queries = 0

    @property
    def weights(self) -> Path:
        """The file of the weights, named so inside the graph."""
        return self.path.with_suffix(".weights")

    @property
    def cached(self) -> bool:
        """Whether both files exist and are undamaged."""
        try:
            made = [checksum(self.path), checksum(self.weights)]
        except OSError:
            return False
        return made == receipt_of(self.path).get("xxh3")

    def make(self, path: Path) -> None:
        """Make both files in a temporary folder, then move them and their checksums in place."""
        with beside(path) as room:
            target, weights = Path(room) / self.path.name, Path(room) / self.weights.name
            self.write(target, weights)
            receipt = target.with_suffix(".json")
            receipt.write_text(json.dumps({"xxh3": [checksum(target), checksum(weights)]}))
            weights.replace(self.weights)
            target.replace(self.path)
            receipt.replace(self.path.with_suffix(".json"))

    @abstractmethod
    def write(self, target: Path, weights: Path) -> None:
        """Write the graph and its weights into an empty folder. Raises `ModelError`."""

    def _open(self) -> onnxruntime.InferenceSession:
        return open_session(self.path, prepacked=self.prepacked)


class SeparatedGraph(MappedGraph):
    """The tower of another graph, made mappable."""

    def __init__(self, plain: Graph) -> None:
        super().__init__(f"{plain.path.stem}-mapped", plain.path.parents[1])
        self._plain = plain

    def write(self, target: Path, weights: Path) -> None:
        """Separate the other graph, made if need be. Raises `ModelError`."""
        plain = self._plain.path
        if not self._plain.cached:
            plain = target.with_name(plain.name)
            self._plain.make(plain)
        words = (str(plain), str(target), weights.name)
        doing = f"building the tower {self.path.stem!r}"
        run_module("runtime.mapped", *words, doing=doing, made=[target, weights])


def separate(plain: str, target: str, weights: str) -> None:
    """Write a graph with all tensors above 1 KB in the file `weights` beside it."""
    onnx = import_module("onnx")
    onnx.save_model(
        onnx.load(plain),
        target,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=weights,
        size_threshold=1024,
    )


if __name__ == "__main__":
    separate(*sys.argv[1:])
