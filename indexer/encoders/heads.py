"""The two projection heads of the built-in model, and their file, which also holds the tail.

The formulas stand here once and run on numpy rows when searching and on torch tensors when
training: both know `@`, `+`, `clip` and `sum`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from indexer.errors import ModelError
from indexer.weights_file import packed
from indexer.whole_file import whole_file

Array: TypeAlias = Any  # a numpy array or a torch tensor, (n, something)
Weights: TypeAlias = Mapping[str, Any]

FORMAT = "picfuse-heads-2"
POOLED, CLASSES, WORDS = 8064, 1000, 384  # widths of what the two towers give
TRUNK = 5504  # of the pooled features: those of the trunk; the others are the tail's
TAIL = "tail."  # begins the names of the tensors that belong to the image tower itself
COARSE = ("image.linear", "image.inner")  # stored as whole numbers of 8 bits, scaled by row
BUILT_IN = Path(__file__).parent / "weights" / "mini.safetensors"

SHAPES = {  # name: axes, where d = dim and h = hidden units
    **{f"image.{name}": (POOLED + CLASSES, out) for name, out in (("linear", "d"), ("inner", "h"))},
    **{f"text.{name}": (WORDS, out) for name, out in (("linear", "d"), ("inner", "h"))},
    **{f"{side}.outer": ("h", "d") for side in ("image", "text")},
    **{f"{side}.bias": ("d",) for side in ("image", "text")},
    **{f"{side}.inner_bias": ("h",) for side in ("image", "text")},
    "image.mean": (POOLED + CLASSES,),
    "image.scale": (POOLED + CLASSES,),
    "text.mean": (WORDS,),
    "text.scale": (WORDS,),
    "classes": (CLASSES, "d"),
    "class_weight": (1,),
    "mean.image": ("d",),
    "mean.text": ("d",),
}


def same(x: Array) -> Array:
    """No dropout."""
    return x


def standardised(x: Array, side: str, weights: Weights) -> Array:
    """Features of one tower with the mean of the training data taken off and its spread made 1."""
    return (x - weights[f"{side}.mean"]) * weights[f"{side}.scale"]


def head(x: Array, side: str, weights: Weights, drop: Callable[[Array], Array] = same) -> Array:
    """A linear map plus one hidden layer: `x A + b + relu(x B + c) C`, shape (n, d)."""
    w = {name: weights[f"{side}.{name}"] for name in ("linear", "bias", "inner", "inner_bias")}
    hidden = (x @ w["inner"] + w["inner_bias"]).clip(min=0)
    return x @ w["linear"] + w["bias"] + drop(hidden) @ weights[f"{side}.outer"]


def class_branch(probabilities: Array, weights: Weights) -> Array:
    """What the ImageNet classes say: class embeddings weighted by squared probability, (n, d)."""
    return weights["class_weight"] * ((probabilities * probabilities) @ weights["classes"])


def image_features(pooled: Array, probabilities: Array, concatenate: Callable[..., Array]) -> Array:
    """What the image head reads: pooled features and the roots of the class probabilities."""
    return concatenate([pooled, probabilities.clip(min=0) ** 0.5], -1)


def read_heads(
    path: Path, *, without: tuple[str, ...] = ()
) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """Weights (float32, shapes of `SHAPES`) and description of a heads file.

    The tensors `without` are left in the file. Raises `ModelError` when it is missing, damaged or
    made for something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads((file.metadata() or {}).get("description", "{}"))
            names = [name for name in file.keys() if not name.startswith(TAIL)]  # noqa: SIM118
            names = [name for name in names if name.removesuffix(".step") not in without]
            weights = {name: file.get_tensor(name).astype(np.float32) for name in names}
        settings = description.get("settings", {})
    except (OSError, SafetensorError, AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: cannot be read as heads of 'mini' ({error}); "
            "make one with 'picfuse train align DATASET --output FILE'"
        ) from error
    for name in COARSE:
        if name in weights and f"{name}.step" in weights:
            weights[name] *= weights.pop(f"{name}.step")
    _check_shapes(path, weights, description, without)
    return weights, settings


def _check_shapes(
    path: Path,
    weights: Mapping[str, Array],
    description: Mapping[str, Any],
    without: tuple[str, ...],
) -> None:
    wanted = {name: axes for name, axes in SHAPES.items() if name not in without}
    if description.get("format") != FORMAT or set(weights) != set(wanted):
        raise ModelError(
            f"{path}: holds no heads of 'mini' (format {description.get('format')!r}, expected "
            f"{FORMAT!r}); make one with 'picfuse train align DATASET --output FILE'"
        )
    sizes = {"d": weights["image.bias"].size, "h": 0}
    for name, axes in wanted.items():
        sizes["h"] = weights[name.split(".")[0] + ".inner_bias"].size if "h" in axes else 0
        expected = tuple(sizes[a] if isinstance(a, str) else a for a in axes)
        if weights[name].shape != expected or not np.isfinite(weights[name]).all():
            raise ModelError(f"{path}: tensor {name!r} is damaged; train or download it again")


def write_heads(path: Path, weights: Mapping[str, NDArray[Any]], settings: object) -> None:
    """Save heads and tail as safetensors in float16, with their settings in the file's header.

    The largest tensors take a byte for each number, in steps of a 127th of the largest of a row:
    half the size, and no figure changes. The file appears whole or not at all: an interrupt
    leaves the one before.
    """
    names = [*SHAPES, *sorted(name for name in weights if name.startswith(TAIL))]
    tensors = {name: np.ascontiguousarray(weights[name], dtype=np.float16) for name in names}
    for name in COARSE:
        step = np.maximum(np.abs(weights[name]).max(axis=1, keepdims=True), 1e-6) / 127
        tensors[f"{name}.step"] = step = step.astype(np.float32)
        tensors[name] = np.rint(weights[name] / step).astype(np.int8)
    with whole_file(path) as temporary:
        described = {"format": FORMAT, "settings": settings}
        temporary.write_bytes(packed(tensors, "description", described))


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
