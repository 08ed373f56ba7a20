"""Towers of PyTorch models as ONNX graphs, used only when they give what PyTorch gives."""

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
    RUNTIME,
    SHORTEST,
    Graph,
    beside,
    checksum,
    open_session,
    receipt_of,
    shortened,
)
from indexer.errors import ModelError

TOLERANCE = 1e-3  # of a component of a unit row
LARGEST = 1_900_000_000  # bytes of a tower: a graph in one file holds no more than 2 GiB
BOTH = f"exporter 3, torch {torch.__version__}, {RUNTIME}"  # others may do better

logger = logging.getLogger(__name__)


class TowerGraph(Graph):
    """The graph of a module that turns one batch into rows; `example` is a batch of two or more.

    What came of a former try is kept in the cache beside it. `module_lock` is held by whoever uses
    the module: while it is exported, its weights are not what they were. `causal` gives the same
    for tokens of any length: it is exported in place of the module, or the module where that fails.
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
        """Whether the graph can stand for the module; exports it if need be, and says if not."""
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
        """Export the tower unless it is cached. Raises `ModelError` when that fails."""
        if self.cached:
            return
        known = receipt_of(self.path)
        if known.get("failed") and known.get("versions") == BOTH:
            raise ModelError(str(known["failed"]))
        self.export(self.path)

    def export(self, path: Path) -> None:
        """Write the graph and what came of it. Raises `ModelError` when it cannot be used."""
        logger.info("exporting %s to ONNX, once only; this takes up to a minute", self.path.stem)
        with beside(path) as folder:
            target = Path(folder) / path.name
            failed = self._export(target)
            receipt = target.with_suffix(".json")
            facts = {"failed": failed} if failed else {"xxh3": checksum(target)}
            receipt.write_text(json.dumps(facts | {"versions": BOTH}))
            if not failed:
                target.replace(path)
            receipt.replace(path.with_suffix(".json"))
        if failed:
            raise ModelError(failed)

    def _export(self, target: Path) -> str:
        """Write the graph and compare it; returns what is wrong with it, or nothing."""
        if self._causal is not None:
            failed = self._written(self._causal, target)
            if not failed:
                return ""
            logger.info("%s takes only texts of one length: %s", self.path.stem, failed)
        return self._written(self._module, target)

    def _written(self, module: nn.Module, target: Path) -> str:
        """What is wrong with the graph of a module that stands for the tower, or nothing."""
        size = sum(p.numel() * p.element_size() for p in self._module.parameters())
        if size > LARGEST:
            return f"its {size / 1e9:.1f} GB exceed the size of one graph"
        try:
            export_module(module, self._example, target)
            worst = deviation(target, self._module, self._example)
        except (OSError, MemoryError) as error:  # another time there may be room
            raise ModelError(
                f"{self.path}: the export failed ({error}); free some space"
            ) from error
        except Exception as error:  # exporter and runtime raise whatever they stumble over
            return (
                f"the export failed ({type(error).__name__}: {' '.join(str(error).split())[:200]})"
            )
        if not worst <= TOLERANCE:
            return f"the exported graph gives other embeddings (by {worst:.2g})"
        return ""


def export_module(module: nn.Module, example: Tensor, path: Path) -> None:
    """Write the graph of a module of one input, the number of rows left open.

    So is the length of the tokens of a causal one.
    """
    name = "pixels" if example.dtype == torch.uint8 else "tokens"
    left_open = {0: torch.export.Dim("batch")}
    if isinstance(module, CausalText):
        left_open[1] = torch.export.Dim("length", min=SHORTEST, max=module.longest)
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
    """The largest difference of unit rows by a graph and by its module, for batches of 1 and more.

    Not-a-number where either gives that.
    """
    session = open_session(path)
    (wanted,) = session.get_inputs()
    any_length = wanted.name == "tokens" and not isinstance(wanted.shape[1], int)
    worst = 0.0
    for batch in (example, example[:1], torch.cat([example, example.flip(0)])):
        with torch.inference_mode():
            expected = module(batch).float().numpy()
        given = shortened(batch.numpy()) if any_length else batch.numpy()
        found: NDArray[np.float32] = session.run(None, {wanted.name: given})[0]
        worst = float(np.maximum(worst, np.abs(unit_rows(found) - unit_rows(expected)).max()))
    return worst
