"""The two projection heads of the built-in model, and their file, which also holds the tails.

The formulas are written once and run on numpy rows when searching and on torch tensors when
training: both support `@`, `+`, `clip` and `sum`. An embedding has three parts: the output of the
heads, learned from captions; the ImageNet classes that it shows or names; and, for texts only, the
text tower's own embedding, so that texts keep their similarity to each other. Its hubness follows
in a last column (`hubness.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from indexer.decoupling import Array, Arrays
from indexer.embedding import Floats, Rows, unit_rows
from indexer.encoders.mini.hubness import HUB_PART
from indexer.encoders.mini.names import WORD_PART, Named
from indexer.errors import ModelError
from indexer.files import whole_file
from indexer.weights_file import packed

FORMAT = "picfuse-heads-9"
POOLED, CLASSES, WORDS = 8064, 1000, 384  # widths of the outputs of the two towers
PLACE = 3  # side of a place that is classified for itself, in cells of the last map
SHOWN = 2 * CLASSES  # class probabilities of a picture: of the whole, and the largest of any place
TRUNK = 5504  # pooled features of the trunk; the rest of `POOLED` are the tail's
READ = 2 * WORDS  # width of text features: those of the text tower and of its tail
TAIL, TEXT_TAIL = TAILS = ("tail.", "text_tail.")  # prefixes of the towers' tensors
STEP = ".step"  # suffix of the scale of a tensor stored as 8-bit integers
IMAGE_ONLY = ("image.linear", "image.inner")  # tensors that only pictures need
# Tensors stored as 8-bit integers, with one scale per row:
BY_BYTES = (
    *IMAGE_ONLY,
    *("image.outer", "text.linear", "text.inner", "text.outer"),
    *("class.names", "class.named", "hub.bank", *WORD_PART),
)
POWER = 1.0  # exponent of the class probabilities in the class part
IMAGE_SHARE, TEXT_SHARE = 0.5, 1.5  # length of the class part; that of the heads' part is 1
SENSE_SHARE = 0.8  # length of a text's sense part
BUILT_IN = Path(__file__).parent / "weights" / "mini.safetensors"

CLASS_PART = {
    "class.codes": (CLASSES, "c"),
    "class.linear": (WORDS, "c"),
    "class.bias": ("c",),
    "class.gate": (WORDS, 1),
    "class.gate_bias": (1,),
    "class.power": (1,),
    "class.names": ("n", WORDS),
    "class.named": ("n", "c"),
}
SENSE_PART = {"sense.linear": (WORDS, "s"), "sense.bias": ("s",)}
SHAPES = {  # name: axes; w = text features, h = hidden units; d, c, s = the parts of a row, r
    **{f"image.{name}": (POOLED + SHOWN, out) for name, out in (("linear", "d"), ("inner", "h"))},
    **{f"text.{name}": ("w", out) for name, out in (("linear", "d"), ("inner", "h"))},
    **{f"{side}.outer": ("h", "d") for side in ("image", "text")},
    **{f"{side}.bias": ("d",) for side in ("image", "text")},
    **{f"{side}.inner_bias": ("h",) for side in ("image", "text")},
    "image.mean": (POOLED + SHOWN,),
    "image.scale": (POOLED + SHOWN,),
    "text.mean": ("w",),
    "text.scale": ("w",),
    "classes": (CLASSES, "d"),
    "class_weight": (1,),
    "mean.image": ("r",),
    "mean.text": ("r",),
    **CLASS_PART,
    **WORD_PART,
    **SENSE_PART,
    **HUB_PART,
}


def same(x: Array) -> Array:
    """Return `x`: no dropout."""
    return x


def standardised(x: Array, side: str, weights: Arrays) -> Array:
    """Features of one tower, scaled to mean 0 and deviation 1 over the training data."""
    return (x - weights[f"{side}.mean"]) * weights[f"{side}.scale"]


def head(x: Array, side: str, weights: Arrays, drop: Callable[[Array], Array] = same) -> Array:
    """A linear map plus one hidden layer: `x A + b + relu(x B + c) C`, shape (n, d)."""
    w = {name: weights[f"{side}.{name}"] for name in ("linear", "bias", "inner", "inner_bias")}
    hidden = (x @ w["inner"] + w["inner_bias"]).clip(min=0)
    return x @ w["linear"] + w["bias"] + drop(hidden) @ weights[f"{side}.outer"]


def class_evidence(features: Array) -> Array:
    """Class probabilities (n, 1000) of image features (n, 10064): of the whole and of its places.

    The square of the mean of both square roots, scaled to a sum of 1: a small thing has a high
    probability at one place only, a scene has one as a whole.
    """
    roots = (features[:, POOLED : POOLED + CLASSES] + features[:, POOLED + CLASSES :]) / 2
    evidence = roots * roots
    return evidence / evidence.sum(1)[:, None]


def class_probabilities(features: Array) -> Array:
    """Class probabilities (n, 1000) of image features (n, 10064): of the whole picture."""
    roots = features[:, POOLED : POOLED + CLASSES]
    return roots * roots


def class_branch(probabilities: Array, weights: Arrays) -> Array:
    """ImageNet class embeddings weighted by squared probability, (n, d)."""
    return weights["class_weight"] * ((probabilities * probabilities) @ weights["classes"])


def class_part_of_images(probabilities: Floats, weights: Arrays) -> Rows:
    """`s · unit(p^r E)`, (n, c): the codes E of the classes that pictures show.

    It has the same length for every picture; otherwise pictures without a class would rank first
    whenever a query names no class.
    """
    shown = probabilities.clip(min=0) ** weights["class.power"]
    return IMAGE_SHARE * unit_rows(shown @ weights["class.codes"])


def class_part_of_texts(x: Floats, weights: Arrays, named: Named) -> Rows:
    """`s · g(t) · unit((1 - k(t)) unit(t A + b) + k(t) M(t))`, (n, c).

    It lies near the codes of the classes that a text names. The gate `g(t)` is 1 for a text that
    reads like the name of a thing and 0 for one that describes a scene. `k(t)` is 1 for the exact
    name of a class, of a group of classes ("vehicle") or of a word; the part is then its code
    `M(t)` (`names.named`). The projection only approximates that code, but also handles other
    words. All of it reads the text tower without its tail.
    """
    meant = unit_rows(x[:, :WORDS] @ weights["class.linear"] + weights["class.bias"])
    meant = unit_rows((1 - named.sure) * meant + named.sure * named.classes)
    codes: Rows = TEXT_SHARE * named.gate * meant
    return codes


def sense_part_of_texts(x: Floats, weights: Arrays) -> Rows:
    """`s · unit(t S + b)`, (n, s): principal directions of the text tower without its tail.

    Pictures have zeros there, so their ranking does not change; but a text can match a caption
    that the heads, which learned from other captions, would place far from it.
    """
    known: Rows = x[:, :WORDS] @ weights["sense.linear"] + weights["sense.bias"]
    return SENSE_SHARE * unit_rows(known)


def image_features(pooled: Array, probabilities: Array, concatenate: Callable[..., Array]) -> Array:
    """Input of the image head: pooled features, and square roots of class probabilities."""
    return concatenate([pooled, probabilities.clip(min=0) ** 0.5], -1)


def read_heads(
    path: Path, *, without: tuple[str, ...] = ()
) -> tuple[dict[str, Floats], dict[str, Any]]:
    """Read the weights (float32, shapes of `SHAPES`) and the settings of a heads file.

    Skips the tensors `without`. Raises `ModelError` if the file is missing, damaged or made for
    something else.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            description = json.loads((file.metadata() or {}).get("description", "{}"))
            names = [name for name in file.keys() if not name.startswith(TAILS)]  # noqa: SIM118
            names = [name for name in names if name.removesuffix(STEP) not in without]
            weights = {name: file.get_tensor(name).astype(np.float32) for name in names}
        settings = description.get("settings", {})
    except (OSError, SafetensorError, AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: cannot be read as heads of 'mini' ({error}); "
            "make one with 'picfuse train align DATASET --output FILE'"
        ) from error
    for name in BY_BYTES:
        if name in weights and f"{name}{STEP}" in weights:
            weights[name] *= weights.pop(f"{name}{STEP}")
    _check_shapes(path, weights, description.get("format"), without)
    return weights, settings


def empty_part(part: Mapping[str, tuple[int | str, ...]]) -> dict[str, Floats]:
    """Tensors of a part without columns: it adds nothing to rows."""
    axes = {name: [0 if isinstance(a, str) else a for a in shape] for name, shape in part.items()}
    return {name: np.zeros(shape, np.float32) for name, shape in axes.items()}


def _check_shapes(
    path: Path, weights: Mapping[str, Floats], format: object, without: tuple[str, ...]
) -> None:
    """Raise `ModelError` unless the weights are those of this format, complete and finite."""
    expected = {name: axes for name, axes in SHAPES.items() if name not in without}
    if format != FORMAT or set(weights) != set(expected):
        raise ModelError(
            f"{path}: has no heads of 'mini' (format {format!r}, expected {FORMAT!r}); "
            "make one with 'picfuse train align DATASET --output FILE'"
        )
    parts = {"d": "image.bias", "c": "class.bias", "s": "sense.bias"}
    sizes = {axis: weights[name].size for axis, name in parts.items()}
    width, centres = sum(sizes.values()), weights["hub.share"].size
    sizes |= {"k": centres, "v": width if centres else 0, "u": int(centres > 0)}
    sizes |= {"r": width + sizes["u"], "w": READ, "h": 0}
    sizes["n"], sizes["m"] = (weights[f"{of}.names"].size // WORDS for of in ("class", "words"))
    for name, axes in expected.items():
        sizes["h"] = weights[name.split(".")[0] + ".inner_bias"].size if "h" in axes else 0
        shape = tuple(sizes[a] if isinstance(a, str) else a for a in axes)
        if weights[name].shape != shape or not np.isfinite(weights[name]).all():
            raise ModelError(f"{path}: tensor {name!r} is damaged; train or download it again")


def write_heads(path: Path, weights: Mapping[str, NDArray[Any]], settings: object) -> None:
    """Save heads and tails as safetensors in float16, with their settings in the file's header.

    The largest tensors are stored as 8-bit integers, scaled by each row's largest value: half
    the size, and no measured quality changes. The file is replaced as a whole, so an interrupt
    leaves the previous one.
    """
    names = [*SHAPES, *sorted(name for name in weights if name.startswith(TAILS))]
    tensors: dict[str, NDArray[Any]] = {}
    for name in names:
        if name in BY_BYTES or (name.startswith(TEXT_TAIL) and weights[name].ndim > 1):
            tensors[name], tensors[f"{name}{STEP}"] = eight_bits(weights[name])
        else:
            tensors[name] = np.ascontiguousarray(weights[name], dtype=np.float16)
    with whole_file(path) as temporary:
        described = {"format": FORMAT, "settings": settings}
        temporary.write_bytes(packed(tensors, "description", described))


def eight_bits(matrix: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix (n, m) as 8-bit integers, and the scale (n, 1) of each row."""
    step = np.maximum(np.abs(matrix).max(axis=1, keepdims=True), 1e-6) / 127
    whole = np.rint(matrix / step).astype(np.int8, order="C")  # its bytes are saved
    return whole, step.astype(np.float32)
