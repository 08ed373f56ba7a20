"""Tag heads: probabilities of tags from the two embeddings of a picture, and their files.

A head predicts from `v_f = v_cr ⊗ v_c` (`indexer/decoupling.py`). Its formulas are written once
and run on numpy rows when pictures are tagged and on torch tensors in training: both support `@`,
`+` and `*`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError

from indexer import weights_file
from indexer.decoupling import Array, Arrays, Joined, Modality, decoupled
from indexer.embedding import Floats, Mask, Rows
from indexer.errors import ModelError
from indexer.files import whole_file

Probabilities: TypeAlias = Floats

FORMAT = "picfuse-tags-1"
_DESCRIPTION = "tag_head"
BOTH, PICTURE, CAPTION = "both", "picture", "caption"
INPUTS = {BOTH: ("image", "text"), PICTURE: ("image",), CAPTION: ("text",)}  # sides that they read
CAPTIONED, PLAIN = 1, 0  # rows of the calibration, for pictures with and without a caption

# Axes of the tensors, where d = dim and t = number of tags.
_SIDE = {
    "mean": ("d",),
    "scale": ("d",),
    "task": ("d", "d"),
    "task_bias": ("d",),
    "out": ("d", "t"),
}
_SHARED = {"bias": ("t",), "slope": (2, "t"), "shift": (2, "t"), "threshold": ("t",)}


def _unchanged(x: Array) -> Array:
    return x


@dataclass(frozen=True, slots=True)
class TagHeadFacts:
    """Facts of a head; `exclusive` means that every picture has exactly one right tag.

    `encoder` and `fingerprint` name the encoder whose embeddings it was trained on, `input` the
    sides of a picture that it reads.
    """

    tags: tuple[str, ...]
    encoder: str
    fingerprint: str
    dim: int
    input: str = BOTH
    exclusive: bool = False


@dataclass(frozen=True, slots=True)
class TagHead:
    """A head, with its file as `content`."""

    facts: TagHeadFacts
    weights: Mapping[str, Floats]
    content: bytes

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the file, on which predictions depend besides the embeddings."""
        return fingerprint(self.content)

    def raw(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Floats:
        """Raw scores of all tags, (n, tags)."""
        present = has_caption[:, None].astype(np.float32)
        return np.asarray(logits(v_i, v_t, present, self.facts.input, self.weights, np.concatenate))

    def probabilities(self, v_i: Rows, v_t: Rows, has_caption: Mask) -> Probabilities:
        """Calibrated probabilities of all tags, (n, tags)."""
        kind = np.where(has_caption, CAPTIONED, PLAIN)
        z = self.raw(v_i, v_t, has_caption)
        scaled = z * self.weights["slope"][kind] + self.weights["shift"][kind]
        return as_probabilities(scaled, exclusive=self.facts.exclusive)

    def holds(self, probabilities: Probabilities) -> Mask:
        """Mask (n, tags) of the tags that pictures get."""
        return np.asarray(probabilities >= self.weights["threshold"])


def shapes(given: str) -> dict[str, tuple[str | int, ...]]:
    """Names and axes of the tensors of a head with this input."""
    sides = {f"{side}.{name}": axes for side in INPUTS[given] for name, axes in _SIDE.items()}
    absent = {"absent": ("d",)} if "text" in INPUTS[given] else {}
    return {**sides, **absent, **_SHARED}


def logits(
    v_i: Array,
    v_t: Array,
    has_caption: Array,
    given: str,
    weights: Arrays,
    join: Joined,
    drop: Callable[[Array], Array] = _unchanged,
) -> Array:
    """Raw scores of all tags, (n, tags): `v_f A + b`.

    `v_c` are the standardised features of the sides that are read, so that all start with equal
    influence. `has_caption` (n, 1) holds ones and zeros: the learned row `absent` replaces a
    missing caption, since a zero vector would be taken for an arbitrary meaning.
    """
    sides = INPUTS[given]
    features = {}
    if "image" in sides:
        features["image"] = _standardised(v_i, "image", weights)
    if "text" in sides:
        present = _standardised(v_t, "text", weights) * has_caption
        features["text"] = present + weights["absent"] * (1 - has_caption)
    v_f = decoupled(
        [Modality(features[s], weights[f"{s}.task"], weights[f"{s}.task_bias"]) for s in sides],
        join,
    )
    return drop(v_f) @ join([weights[f"{s}.out"] for s in sides], 0) + weights["bias"]


def _standardised(v: Array, side: str, weights: Arrays) -> Array:
    return (v - weights[f"{side}.mean"]) * weights[f"{side}.scale"]


def as_probabilities(scores: Floats, *, exclusive: bool) -> Probabilities:
    """Probabilities (n, tags) of calibrated scores: softmax if exclusive, otherwise sigmoid."""
    if exclusive:
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * scores), dtype=np.float32)  # never overflows


def fingerprint(content: bytes) -> str:
    """SHA-256 of a head's file, as hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def read_tag_head(path: Path) -> TagHead:
    """Read a head from a file. Raises `ModelError` if it is missing, damaged or something else."""
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise ModelError(
            f"{path}: cannot be read as a tag head ({error.strerror}); "
            "make one with 'picfuse train tags DATASET --output FILE'"
        ) from error
    return parse_tag_head(content, str(path))


def parse_tag_head(content: bytes, place: str) -> TagHead:
    """Parse the bytes of a head's file. Raises `ModelError`, naming `place`, if they hold none."""
    try:
        weights, metadata = weights_file.unpacked(content)
        description = dict(json.loads(metadata[_DESCRIPTION]))
        stored = description["facts"]
        facts = TagHeadFacts(**{**stored, "tags": tuple(stored["tags"])})
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _not_a_head(place) from error
    if description.get("format") != FORMAT or not _is_sound(facts, weights):
        raise _not_a_head(place)
    return TagHead(facts, weights, content)


def _is_sound(facts: TagHeadFacts, weights: Mapping[str, Floats]) -> bool:
    if facts.input not in INPUTS or not facts.tags or len(set(facts.tags)) < len(facts.tags):
        return False
    sizes: dict[str | int, int] = {"d": facts.dim, "t": len(facts.tags), 2: 2}
    expected = {
        name: tuple(sizes[axis] for axis in axes) for name, axes in shapes(facts.input).items()
    }
    return {name: w.shape for name, w in weights.items()} == expected and all(
        bool(np.isfinite(w).all()) for w in weights.values()
    )


def _not_a_head(place: str) -> ModelError:
    return ModelError(
        f"{place}: has no tag head, or a damaged one; "
        "make one with 'picfuse train tags DATASET --output FILE'"
    )


def packed(
    facts: TagHeadFacts, weights: Mapping[str, NDArray[np.floating]], settings: object
) -> bytes:
    """Pack a head as the bytes of its file: matrices in float16, the rest in float32."""
    tensors = {
        name: np.ascontiguousarray(
            weights[name], np.float16 if name.endswith(("task", "out")) else np.float32
        )
        for name in shapes(facts.input)
    }
    described = {"format": FORMAT, "facts": asdict(facts), "settings": settings}
    return weights_file.packed(tensors, _DESCRIPTION, described)


def write_tag_head(path: Path, content: bytes) -> None:
    """Save a head; an interrupt leaves the previous file."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content)
