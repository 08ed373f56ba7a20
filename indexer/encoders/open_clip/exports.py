"""Towers of PyTorch models as ONNX graphs, used only if they give the same rows as PyTorch."""

from __future__ import annotations

import json
import logging
import warnings
from pathlib import Path
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from indexer.embedding import unit_rows
from indexer.encoders.open_clip.model import CausalText
from indexer.encoders.runtime.graphs import (
    FEWEST_TOKENS,
    RUNTIME,
    Graph,
    beside,
    checksum,
    open_session,
    receipt_of,
    shortened,
)
from indexer.errors import ModelError

TOLERANCE = 1e-3  # of a component of a unit row
LARGEST_TOWER = 1_900_000_000  # bytes; the graph is one file, which holds at most 2 GiB
VERSIONS = f"exporter 3, torch {torch.__version__}, {RUNTIME}"  # others may export what failed

logger = logging.getLogger(__name__)


class TowerGraph(Graph):
    """The graph of a module that turns one batch into rows; `example` is a batch of two or more.

    The outcome of an earlier export is kept in the cache beside it. Users of the module hold
    `module_lock`, since its weights change while it is exported. `causal` gives the same rows for
    tokens of any length: it is exported in place of the module, unless that fails.
    """

    def __init__(
        self,
        name: str,
        cache: Path,
        module: nn.Module,
        example: Tensor,
        module_lock: Lock,
        causal: CausalText | None = None,
    ) -> None:
        super().__init__(name, cache)
        self._module, self._example, self._module_lock = module, example, module_lock
        self._causal = causal
        self._usable: bool | None = None

    @property
    def usable(self) -> bool:
        """Whether the graph can replace the module; exports it if needed, and logs a failure."""
        with self._module_lock:
            if self._usable is None:
                try:
                    self.ensure()
                    self._usable = True
                except ModelError as error:
                    logger.warning("%s runs in PyTorch, which is slower: %s", self.path.stem, error)
                    self._usable = False
            return self._usable

    def ensure(self) -> None:
        """Export the tower unless it is cached.

        Raises `ModelError` if that fails, or failed before with the same versions.
        """
        super().ensure()
        if not self.cached:
            raise ModelError(str(receipt_of(self.path).get("failed")))

    @property
    def is_made(self) -> bool:
        """Whether the tower is cached, or is known not to be exportable."""
        receipt = receipt_of(self.path)
        failed_before = receipt.get("failed") and receipt.get("versions") == VERSIONS
        return self.cached or bool(failed_before)

    def make(self, path: Path) -> None:
        """Write the graph and the outcome. Raises `ModelError` if the graph cannot be used."""
        logger.info("exporting %s to ONNX, once only; this takes up to a minute", self.path.stem)
        with beside(path) as folder:
            target = Path(folder) / path.name
            failed = self._export(target)
            receipt = target.with_suffix(".json")
            facts = {"failed": failed} if failed else {"xxh3": checksum(target)}
            receipt.write_text(json.dumps(facts | {"versions": VERSIONS}))
            if not failed:
                target.replace(path)
            receipt.replace(path.with_suffix(".json"))
        if failed:
            raise ModelError(failed)

    def _export(self, target: Path) -> str:
        """Write the graph and compare it; returns the reason if it cannot be used, or ""."""
        if self._causal is not None:
            failed = self._written(self._causal, target)
            if not failed:
                return ""
            logger.info("%s takes only texts of one length: %s", self.path.stem, failed)
        return self._written(self._module, target)

    def _written(self, module: nn.Module, target: Path) -> str:
        """Write the graph of a module and compare it with the tower; returns a reason, or ""."""
        size = sum(p.numel() * p.element_size() for p in self._module.parameters())
        if size > LARGEST_TOWER:
            return f"its {size / 1e9:.1f} GB exceed the size of one graph"
        try:
            export_module(module, self._example, target)
            worst = deviation(target, self._module, self._example)
        except (OSError, MemoryError) as error:  # there may be room at another time
            raise ModelError(
                f"{self.path}: the export failed ({error}); free some space"
            ) from error
        except Exception as error:  # exporter and runtime raise errors of any kind
            return (
                f"the export failed ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            )
        if not worst <= TOLERANCE:
            return f"the exported graph gives other embeddings (by {worst:.2g})"
        return ""


def export_module(module: nn.Module, example: Tensor, path: Path) -> None:
    """Write the graph of a module with one input, for any number of rows.

    The graph of a causal module also takes tokens of any length.
    """
    name = "pixels" if example.dtype == torch.uint8 else "tokens"
    left_open = {0: torch.export.Dim("batch")}
    if isinstance(module, CausalText):
        left_open[1] = torch.export.Dim("length", min=FEWEST_TOKENS, max=module.longest)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            (example,),
            str(path),
            dynamo=True,
            dynamic_shapes=(left_open,),
            input_names=[name],
            output_names=["rows"],
            external_data=False,
            verbose=False,
        )


def deviation(path: Path, module: nn.Module, example: Tensor) -> float:
    """The largest difference between unit rows of a graph and of its module, in several batches.

    Not-a-number if either returns that.
    """
    session = open_session(path)
    (graph_input,) = session.get_inputs()
    any_length = graph_input.name == "tokens" and not isinstance(graph_input.shape[1], int)
    worst = 0.0
    for batch in (example, example[:1], torch.cat([example, example.flip(0)])):
        with torch.inference_mode():
            expected = module(batch).float().numpy()
        given = shortened(batch.numpy()) if any_length else batch.numpy()
        rows: NDArray[np.float32] = session.run(None, {graph_input.name: given})[0]
        worst = float(np.maximum(worst, np.abs(unit_rows(rows) - unit_rows(expected)).max()))
    return worst
