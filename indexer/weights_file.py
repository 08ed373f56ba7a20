"""Files of trained weights: safetensors with a description, packed to and unpacked from bytes.

Bytes, because a library keeps copies in its catalogue instead of the files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save


def packed(tensors: Mapping[str, NDArray[Any]], entry: str, description: object) -> bytes:
    """Pack a file; equal weights and descriptions make equal bytes.

    The description is a single entry of the metadata, since safetensors writes several in random
    order, which would change the hash.
    """
    metadata = {entry: json.dumps(description, sort_keys=True)}
    content: bytes = save({name: tensors[name] for name in sorted(tensors)}, metadata=metadata)
    return content


def unpacked(content: bytes) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Unpack the tensors (float32) and the metadata of a file.

    Raises `SafetensorError`, `TypeError`, `ValueError` or `AttributeError` for other bytes.
    """
    tensors = {name: tensor.astype(np.float32) for name, tensor in load(content).items()}
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return tensors, dict(header.get("__metadata__", {}))
