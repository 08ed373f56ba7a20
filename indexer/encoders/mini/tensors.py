"""Tensors of the towers, made of the shipped weights and of the tails in a heads file.

`weights/towers/` has a graph for each tower without its weights, `towers.safetensors` with the
pretrained weights in about half their size, and `plan.json`, which says how each tensor of a graph
is made and where in the graph's file of weights it belongs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from indexer.embedding import Floats
from indexer.encoders.mini.heads import STEP, TAILS
from indexer.errors import ModelError
from indexer.files import file_hash

SHIPPED = Path(__file__).parent / "weights" / "towers"
WEIGHTS = SHIPPED / "towers.safetensors"
WEIGHTS_SHA256 = "057cbf38084776a5e1fc87d7930c79e76086e98706e9df4ebfc0eedb77178760"
PLAN = SHIPPED / "plan.json"
TOKENIZER = SHIPPED / "tokenizer.json"
ALIGNMENT = 4096  # bytes; of tensors in a file of weights, which is mapped by pages
SPREAD_FLOOR = 1e-3  # added to the variance in the normalisations of EfficientNet-Lite
NORMALISATION = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class PlannedTensor:
    """A tensor of a graph: its name there, and the byte where it begins in the file of weights.

    `source`: the name of the tensor it is made of, in the shipped weights or (with the prefix of a
    tail) in the heads file. `norm`: the prefix of the batch normalisation to fold into it; the
    tensor is then the convolution's weight or, with `is_bias`, its bias. `turned`: transposed.
    """

    name: str
    offset: int
    source: str
    norm: str | None = None
    is_bias: bool = False
    turned: bool = False


def planned_tensors(tower: str) -> list[PlannedTensor]:
    """The tensors of a shipped graph. Raises `ModelError` if the plan is damaged."""
    try:
        plan = json.loads(PLAN.read_text("utf-8"))
        return [PlannedTensor(**facts) for facts in plan[tower]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(PLAN, error) from error


def shipped_graph(tower: str) -> bytes:
    """The graph of a tower, without weights. Raises `ModelError` if it cannot be read."""
    path = SHIPPED / f"{tower}.onnx"
    try:
        return path.read_bytes()
    except OSError as error:
        raise _damaged(path, error) from error


class TowerTensors:
    """Reads tensors of the shipped weights, after a check of their hash, and of a heads file."""

    def __init__(self, heads: Path) -> None:
        self._heads = heads
        self._stack = ExitStack()

    def __enter__(self) -> TowerTensors:
        _check_weights()
        with self._stack:
            self._shipped, self._tails = map(self._opened, (WEIGHTS, self._heads))
            self._stack = self._stack.pop_all()  # open until the end, unless one cannot be opened
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def get(self, planned: PlannedTensor) -> Floats:
        """The tensor as the graph has it. Raises `ModelError` if a source is missing."""
        made = self._folded(planned) if planned.norm else self._source(planned.source)
        return np.ascontiguousarray(made.T if planned.turned else made)

    def _source(self, name: str) -> Floats:
        """A tensor of the shipped weights or of a tail, in float32."""
        is_tail = name.startswith(TAILS)
        file = self._tails if is_tail else self._shipped
        try:
            tensor: Floats = file.get_tensor(name).astype(np.float32)
            if f"{name}{STEP}" in file.keys():  # noqa: SIM118
                tensor = tensor * file.get_tensor(f"{name}{STEP}")
        except SafetensorError as error:
            if not is_tail:
                raise _damaged(WEIGHTS, error) from error
            reason = "has no tail that fits the tower; train it again"
            raise ModelError(f"{self._heads}: {reason}") from error
        return tensor

    def _folded(self, planned: PlannedTensor) -> Floats:
        norm = [self._source(f"{planned.norm}.{name}") for name in NORMALISATION]
        return folded(self._source(planned.source), norm, is_bias=planned.is_bias)

    def _opened(self, path: Path) -> Any:
        try:
            return self._stack.enter_context(safe_open(path, framework="numpy"))
        except (OSError, SafetensorError) as error:
            raise _damaged(path, error) from error


def folded(kernel: Floats, norm: Sequence[Floats], *, is_bias: bool) -> Floats:
    """The weight or bias of a convolution followed by a batch normalisation, as one convolution.

    With the normalisation's scale g, shift b, mean m and variance s: `w g / sqrt(s + ε)` and
    `b - m g / sqrt(s + ε)`.
    """
    scale, shift, mean, variance = norm
    gain = scale / np.sqrt(variance + np.float32(SPREAD_FLOOR))
    made: Floats = shift - mean * gain if is_bias else kernel * gain.reshape(-1, 1, 1, 1)
    return made


def _check_weights() -> None:
    try:
        actual = file_hash(WEIGHTS)
    except OSError as error:
        raise _damaged(WEIGHTS, error) from error
    if actual != WEIGHTS_SHA256:
        raise _damaged(WEIGHTS, f"sha256 {actual}, expected {WEIGHTS_SHA256}")


def _damaged(path: Path, error: object) -> ModelError:
    return ModelError(f"{path}: is damaged ({error}); reinstall picfuse")
