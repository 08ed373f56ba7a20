"""Several pairs of heads joined into one: concatenated outputs, with fewer hidden units.

Heads trained from different seeds err in different places, so the sum of their scores finds more
than any of them. Concatenated rows score exactly that sum, and concatenated heads are again one
linear map and one hidden layer, as in `indexer.encoders.mini.heads.head`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.mini.heads import class_branch, class_evidence, head, standardised

Array = NDArray[np.float32]
SIDES = ("image", "text")
_SCALES = tuple(f"{side}.{name}" for side in SIDES for name in ("mean", "scale"))
_SCALED = ("linear", "bias", "outer")  # tensors that scale the rows of a head
RIDGE = 0.003  # share of a hidden unit's mean square: bounds how much one replaces another


def join_heads(
    members: Sequence[Mapping[str, Array]], images: Array, captions: Array
) -> dict[str, Array]:
    """Tensors of heads whose rows concatenate those of all members, with equal weight.

    Each member is scaled by the mean length of its rows, for features of `images` (n, 10064) and
    `captions` (m, w). Members may standardise features differently; the result does it like the
    first.
    """
    alike = [_standardise_like(members[0], member) for member in members]
    joined = {name: members[0][name] for name in _SCALES}
    for side, features in zip(SIDES, (images, captions), strict=True):
        scaled = [_to_unit_length(side, features, member) for member in alike]
        for name in ("linear", "bias", "inner", "inner_bias"):
            joined[f"{side}.{name}"] = np.hstack([member[f"{side}.{name}"] for member in scaled])
        joined[f"{side}.outer"] = _block_diagonal([member[f"{side}.outer"] for member in scaled])
        if side == "image":
            joined["classes"] = np.hstack([member["classes"] for member in scaled])
            joined["class_weight"] = np.ones(1, np.float32)
    return joined


def prune_units(
    weights: Mapping[str, Array], side: str, features: Array, number: int
) -> dict[str, Array]:
    """Keep only the `number` hidden units of one side that move its rows most.

    A linear map of the kept units replaces what the others contributed on `features` (n, w), as
    well as it can (ridge regression).
    """
    inner, outer = weights[f"{side}.inner"], weights[f"{side}.outer"]
    if number >= len(outer):
        return dict(weights)
    hidden = standardised(features, side, weights) @ inner + weights[f"{side}.inner_bias"]
    hidden = hidden.clip(min=0)
    moves = hidden.std(axis=0) * np.linalg.norm(outer, axis=1)
    kept, dropped = np.split(np.argsort(-moves, kind="stable"), [number])
    read = np.hstack([hidden[:, kept], np.ones((len(hidden), 1), np.float32)])
    square = read.T @ read
    square[np.diag_indices(len(square))] += RIDGE * np.trace(square) / len(square)
    given = np.linalg.solve(square, read.T @ (hidden[:, dropped] @ outer[dropped]))
    fewer = {
        f"{side}.inner": inner[:, kept],
        f"{side}.inner_bias": weights[f"{side}.inner_bias"][kept],
        f"{side}.outer": outer[kept] + given[:-1],
        f"{side}.bias": weights[f"{side}.bias"] + given[-1],
    }
    return {**weights, **{name: tensor.astype(np.float32) for name, tensor in fewer.items()}}


def _standardise_like(first: Mapping[str, Array], other: Mapping[str, Array]) -> dict[str, Array]:
    """Convert a member's tensors to features that are standardised as for the first."""
    weights: dict[str, Any] = dict(other) | {name: first[name] for name in _SCALES}
    for side in SIDES:
        mean, scale = other[f"{side}.mean"], other[f"{side}.scale"]
        offset = (first[f"{side}.mean"] - mean) * scale
        for matrix, bias in (("linear", "bias"), ("inner", "inner_bias")):
            tensor = other[f"{side}.{matrix}"]
            weights[f"{side}.{bias}"] = other[f"{side}.{bias}"] + offset @ tensor
            weights[f"{side}.{matrix}"] = tensor * (scale / first[f"{side}.scale"])[:, None]
    return weights


def _to_unit_length(side: str, features: Array, weights: Mapping[str, Array]) -> dict[str, Array]:
    """Scale a member's tensors so that its rows of these features have mean length 1."""
    rows = head(standardised(features, side, weights), side, weights)
    classes = weights["class_weight"] * weights["classes"]
    if side == "image":
        rows = rows + class_branch(class_evidence(features), weights)
    length = np.linalg.norm(rows, axis=1).mean()
    scaled = {f"{side}.{name}": weights[f"{side}.{name}"] / length for name in _SCALED}
    return {**weights, **scaled, "classes": classes / length}


def _block_diagonal(blocks: Sequence[Array]) -> Array:
    """A matrix with these blocks along its diagonal and zeros elsewhere."""
    heights, widths = (np.cumsum([0, *(b.shape[axis] for b in blocks)]) for axis in (0, 1))
    matrix = np.zeros((heights[-1], widths[-1]), np.float32)
    for number, block in enumerate(blocks):
        rows = slice(heights[number], heights[number + 1])
        matrix[rows, widths[number] : widths[number + 1]] = block
    return matrix
