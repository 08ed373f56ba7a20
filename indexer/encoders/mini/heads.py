"""The two projection heads of the built-in model, and their file, which also holds the tail.

The formulas of the heads stand here once and run on numpy rows when searching and on torch tensors
when training: both know `@`, `+`, `clip` and `sum`. An embedding has three parts: what the heads
make of it, learned from captions; which classes of ImageNet it shows or names; and, of a text
alone, what the text tower says of it by itself, so that texts know each other as they did. Then
there is its hubness (`hubness.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from indexer.embedding import Rows, unit_rows
from indexer.encoders.mini.hubness import FORMER_COUNTS, HUB_PART, counts
from indexer.encoders.mini.names import WORD_PART, Named
from indexer.errors import ModelError
from indexer.files import whole_file
from indexer.weights_file import packed

Array: TypeAlias = Any  # a numpy array or a torch tensor, (n, something)
Weights: TypeAlias = Mapping[str, Any]

FORMAT = "picfuse-heads-7"
WITHOUT_WORDS = "picfuse-heads-6"  # what was trained before
WITHOUT_NAMES = "picfuse-heads-5"  # and before that
WITHOUT_HUBNESS = "picfuse-heads-4"  # and before that
WITHOUT_TEXT_TAIL = "picfuse-heads-3"  # and before that: texts are read by MiniLM alone
WITHOUT_CLASS_PART = "picfuse-heads-2"  # and before that: the heads' part is all of a row
POOLED, CLASSES, WORDS = 8064, 1000, 384  # widths of what the two towers give
TRUNK = 5504  # of the pooled features: those of the trunk; the others are the tail's
READ = 2 * WORDS  # width of text features: of the text tower and of its tail
READS = dict.fromkeys((FORMAT, WITHOUT_WORDS, WITHOUT_NAMES, WITHOUT_HUBNESS), READ)
READS[WITHOUT_TEXT_TAIL] = WORDS
TAIL, TEXT_TAIL = TAILS = ("tail.", "text_tail.")  # begin the names of tensors of the towers
STEP = ".step"  # ends the name of what a tensor of whole numbers is multiplied with
COARSE = ("image.linear", "image.inner")  # what only pictures need
# Stored as whole numbers of 8 bits, by row:
BY_BYTES = (*COARSE, "text.inner", "class.names", "class.named", *WORD_PART)
POWER, FORMER_POWER = 1.0, 1.5  # of the class probabilities in the class part
IMAGE_SHARE, TEXT_SHARE = 0.5, 1.5  # length of the class part, beside a heads' part of length 1
SENSE_SHARE = 0.8  # length of the sense part of a text
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
    **{f"image.{name}": (POOLED + CLASSES, out) for name, out in (("linear", "d"), ("inner", "h"))},
    **{f"text.{name}": ("w", out) for name, out in (("linear", "d"), ("inner", "h"))},
    **{f"{side}.outer": ("h", "d") for side in ("image", "text")},
    **{f"{side}.bias": ("d",) for side in ("image", "text")},
    **{f"{side}.inner_bias": ("h",) for side in ("image", "text")},
    "image.mean": (POOLED + CLASSES,),
    "image.scale": (POOLED + CLASSES,),
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


def class_part_of_images(probabilities: NDArray[np.float32], weights: Weights) -> Rows:
    """`s · unit(p^r E)`: what the classes say of pictures, (n, c), of the codes E of the classes.

    As long for each picture, or those without a class would be ahead wherever no class is meant.
    """
    shown = probabilities.clip(min=0) ** weights["class.power"]
    return IMAGE_SHARE * unit_rows(shown @ weights["class.codes"])


def class_part_of_texts(x: NDArray[np.float32], weights: Weights, named: Named) -> Rows:
    """`s · g(t) · unit((1 - k(t)) unit(t A + b) + k(t) M(t))`, (n, c).

    Near the codes of the classes that a text names. The gate `g(t)` is 1 for what reads like the
    name of a thing and 0 for what reads like the description of a scene. `k(t)` is 1 for the very
    name of a class, of what several classes are ("vehicle") or of a word, whose code `M(t)` it then
    has (`names.named`); the projection only comes near to that, but also knows what other words
    mean. All read what the text tower knew before its tail was trained.
    """
    meant = unit_rows(x[:, :WORDS] @ weights["class.linear"] + weights["class.bias"])
    meant = unit_rows((1 - named.sure) * meant + named.sure * named.classes)
    codes: Rows = TEXT_SHARE * named.gate * meant
    return codes


def sense_part_of_texts(x: NDArray[np.float32], weights: Weights) -> Rows:
    """`s · unit(t S + b)`, (n, s): main directions of what the text tower knew before its tail.

    Pictures have zeros there: it changes nothing among them, and lets a text find a caption that
    the heads, which know the captions they learned from, would not bring together with it.
    """
    known: Rows = x[:, :WORDS] @ weights["sense.linear"] + weights["sense.bias"]
    return SENSE_SHARE * unit_rows(known)


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
            names = [name for name in file.keys() if not name.startswith(TAILS)]  # noqa: SIM118
            names = [name for name in names if name.removesuffix(STEP) not in without]
            weights = {name: file.get_tensor(name).astype(np.float32) for name in names}
        settings = description.get("settings", {})
    except (OSError, SafetensorError, AttributeError, TypeError, ValueError) as error:
        raise ModelError(
            f"{path}: cannot be read as heads of 'mini' ({error}); "
            "make one with 'picfuse train align DATASET --output FILE'"
        ) from error
    _complete(weights, description)
    for name in BY_BYTES:
        if name in weights and f"{name}{STEP}" in weights:
            weights[name] *= weights.pop(f"{name}{STEP}")
    _check_shapes(path, weights, description, without)
    return weights, settings


def _complete(weights: dict[str, NDArray[np.float32]], description: dict[str, Any]) -> None:
    """Add to weights of a former format the parts that it did not have, which are empty."""
    made = description.get("format")
    if made == WITHOUT_CLASS_PART and not set(weights) & set(CLASS_PART):
        weights |= empty_part(CLASS_PART)
        made = description["format"] = WITHOUT_TEXT_TAIL
    if made in (WITHOUT_NAMES, WITHOUT_HUBNESS, WITHOUT_TEXT_TAIL):
        columns = weights["class.bias"].size if "class.bias" in weights else 0
        weights.setdefault("class.names", np.zeros((0, WORDS), np.float32))
        weights.setdefault("class.named", np.zeros((0, columns), np.float32))
        weights.setdefault("class.power", np.full(1, FORMER_POWER, np.float32))
    if made == WITHOUT_TEXT_TAIL and not set(weights) & set(SENSE_PART):
        weights |= empty_part(SENSE_PART)
    if made in (WITHOUT_HUBNESS, WITHOUT_TEXT_TAIL) and not set(weights) & set(HUB_PART):
        weights |= empty_part(HUB_PART)
    if made == WITHOUT_NAMES:
        weights.setdefault("hub.counts", counts(FORMER_COUNTS))
    if made != FORMAT and "image.bias" in weights and "class.bias" in weights:
        widths = WORDS, weights["class.bias"].size, weights["image.bias"].size
        for name, width in zip(WORD_PART, widths, strict=True):
            weights.setdefault(name, np.zeros((0, width), np.float32))


def empty_part(part: Mapping[str, tuple[int | str, ...]]) -> dict[str, NDArray[np.float32]]:
    """A part of no columns: rows are what they were before there was one."""
    axes = {name: [0 if isinstance(a, str) else a for a in shape] for name, shape in part.items()}
    return {name: np.zeros(shape, np.float32) for name, shape in axes.items()}


def _check_shapes(
    path: Path,
    weights: Mapping[str, Array],
    description: Mapping[str, Any],
    without: tuple[str, ...],
) -> None:
    wanted = {name: axes for name, axes in SHAPES.items() if name not in without}
    reads = READS.get(str(description.get("format")))
    if reads is None or set(weights) != set(wanted):
        raise ModelError(
            f"{path}: has no heads of 'mini' (format {description.get('format')!r}, expected "
            f"{FORMAT!r}); make one with 'picfuse train align DATASET --output FILE'"
        )
    parts = {"d": "image.bias", "c": "class.bias", "s": "sense.bias"}
    sizes = {axis: weights[name].size for axis, name in parts.items()}
    width, centres = sum(sizes.values()), weights["hub.share"].size
    sizes |= {"k": centres, "v": width if centres else 0, "u": int(centres > 0)}
    sizes |= {"r": width + sizes["u"], "w": reads, "h": 0}
    sizes["n"], sizes["m"] = (weights[f"{of}.names"].size // WORDS for of in ("class", "words"))
    for name, axes in wanted.items():
        sizes["h"] = weights[name.split(".")[0] + ".inner_bias"].size if "h" in axes else 0
        expected = tuple(sizes[a] if isinstance(a, str) else a for a in axes)
        if weights[name].shape != expected or not np.isfinite(weights[name]).all():
            raise ModelError(f"{path}: tensor {name!r} is damaged; train or download it again")


def format_of(weights: Mapping[str, Array]) -> str:
    """The format of the file that weights were read from."""
    if not len(weights["class.bias"]):
        return WITHOUT_CLASS_PART
    if len(weights["text.mean"]) != READ:
        return WITHOUT_TEXT_TAIL
    if not len(weights["hub.bank"]):
        return WITHOUT_HUBNESS
    if not len(weights["class.names"]):
        return WITHOUT_NAMES
    return FORMAT if len(weights["words.names"]) else WITHOUT_WORDS


def has_text_tail(path: Path) -> bool:
    """Whether a heads file holds a tail of the text tower; a file that is none holds none."""
    try:
        with safe_open(path, framework="numpy") as file:
            return any(name.startswith(TEXT_TAIL) for name in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return False


def write_heads(path: Path, weights: Mapping[str, NDArray[Any]], settings: object) -> None:
    """Save heads and tails as safetensors in float16, with their settings in the file's header.

    The largest tensors take a byte for each number, in steps of a 127th of the largest of a row:
    half the size, and no figure changes. The file appears whole or not at all: an interrupt
    leaves the one before.
    """
    names = [*SHAPES, *sorted(name for name in weights if name.startswith(TAILS))]
    tensors: dict[str, NDArray[Any]] = {}
    for name in names:
        if name in BY_BYTES or (name.startswith(TEXT_TAIL) and weights[name].ndim > 1):
            tensors[name], tensors[f"{name}{STEP}"] = _coarse(weights[name])
        else:
            tensors[name] = np.ascontiguousarray(weights[name], dtype=np.float16)
    with whole_file(path) as temporary:
        described = {"format": FORMAT, "settings": settings}
        temporary.write_bytes(packed(tensors, "description", described))


def _coarse(matrix: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix (n, m) in whole numbers of 8 bits, and the step (n, 1) of each row."""
    step = np.maximum(np.abs(matrix).max(axis=1, keepdims=True), 1e-6) / 127
    whole = np.rint(matrix / step).astype(np.int8, order="C")  # what is saved is the bytes
    return whole, step.astype(np.float32)
