"""Files of trained weights: safetensors with a description, read from and made as bytes.

They are bytes since a library keeps copies in its catalogue and needs no file then.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save


def packed(tensors: Mapping[str, NDArray[Any]], entry: str, description: object) -> bytes:
    """The bytes of a file; equal weights and descriptions make equal bytes.

    The description is one entry of the metadata: safetensors writes several in a random order,
    and the hash would change with it.
    """
    metadata = {entry: json.dumps(description, sort_keys=True)}
    content: bytes = save({name: tensors[name] for name in sorted(tensors)}, metadata=metadata)
    return content


def unpacked(content: bytes) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Tensors (float32) and metadata of a file.

    Raises `SafetensorError`, `TypeError`, `ValueError` or `AttributeError` for other bytes.
    """
    tensors = {name: tensor.astype(np.float32) for name, tensor in load(content).items()}
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return tensors, dict(header.get("__metadata__", {}))
