"""The file of a learned fusion: safetensors that name their strategy and encoder.

Weights are parsed from bytes, since a library keeps a copy in its catalogue instead of the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from indexer.embedding import Floats
from indexer.errors import ModelError
from indexer.files import whole_file
from indexer.weights_file import packed, unpacked

Axes: TypeAlias = tuple[str | int, ...]  # of a tensor; d: dim, 2d: 2 dim, h: hidden units
FORMAT = "picfuse-fusion-1"
_DESCRIPTION = "fusion"


@dataclass(frozen=True, slots=True)
class FusionWeights:
    """Tensors (float32) of a learned fusion, with its strategy and encoder.

    `content` holds the bytes of the file; `place` names it in errors.
    """

    strategy: str
    encoder: str  # its fingerprint
    encoder_name: str
    tensors: Mapping[str, Floats]
    content: bytes = field(repr=False)
    place: str

    @property
    def hash(self) -> str:
        """The first 32 hexadecimal digits of the content's SHA-256."""
        return content_hash(self.content)


def content_hash(content: bytes) -> str:
    """The hash that identifies a file in a fusion's fingerprint and in a library's copy."""
    return hashlib.sha256(content).hexdigest()[:32]


def read_weights(path: Path) -> FusionWeights:
    """Read weights from a file. Raises `ModelError` if it is missing or damaged."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unusable(str(path), os.strerror(error.errno or 0)) from error
    return parse_weights(content, str(path))


def parse_weights(content: bytes, place: str) -> FusionWeights:
    """Parse weights from the bytes of a file. Raises `ModelError` if they are damaged."""
    try:
        tensors, metadata = unpacked(content)
        facts = dict(json.loads(metadata.get(_DESCRIPTION, "{}")))
    except (SafetensorError, AttributeError, TypeError, ValueError) as error:
        raise _unusable(place, str(error)) from error
    if (format := facts.get("format", metadata.get("format"))) != FORMAT:
        raise _unusable(place, f"format {format!r}, expected {FORMAT!r}")
    strategy, encoder, name = (
        str(facts.get(f, "")) for f in ("strategy", "encoder", "encoder_name")
    )
    return FusionWeights(strategy, encoder, name, tensors, content, place)


def check_shapes(weights: FusionWeights, strategy: str, shapes: Mapping[str, Axes]) -> None:
    """Raise `ModelError` unless the tensors belong to a strategy, fit together and are finite."""
    if weights.strategy != strategy:
        raise _unusable(weights.place, f"a fusion {weights.strategy!r}, not {strategy!r}")
    if odd := set(weights.tensors) ^ set(shapes):
        raise _unusable(weights.place, f"superfluous or missing tensors: {', '.join(sorted(odd))}")
    dim, hidden = (weights.tensors[name].shape[-1:] for name in ("centre_captioned", "image_bias"))
    sizes = {"d": dim, "2d": tuple(2 * n for n in dim), "h": hidden}
    for name, axes in shapes.items():
        parts = (sizes[axis] if isinstance(axis, str) else (axis,) for axis in axes)
        tensor = weights.tensors[name]
        if tensor.shape != tuple(chain(*parts)) or not np.isfinite(tensor).all():
            raise ModelError(
                f"{weights.place}: tensor {name!r} is damaged; train or download it again"
            )


def write_weights(
    path: Path,
    strategy: str,
    tensors: Mapping[str, NDArray[Any]],
    *,
    encoder: str,
    encoder_name: str,
    settings: object,
) -> None:
    """Save a fusion in float16, with its encoder and settings in the file's header.

    An interrupt leaves the previous file.
    """
    halves = {n: np.ascontiguousarray(t, dtype=np.float16) for n, t in tensors.items()}
    facts = {"format": FORMAT, "strategy": strategy, "settings": settings}
    facts |= {"encoder": encoder, "encoder_name": encoder_name}
    with whole_file(path) as temporary:
        temporary.write_bytes(packed(halves, _DESCRIPTION, facts))


def _unusable(place: str, reason: str) -> ModelError:
    return ModelError(
        f"{place}: cannot be read as a learned fusion ({reason}); "
        "make one with 'picfuse train fusion DATASET --fusion gated --output FILE'"
    )
