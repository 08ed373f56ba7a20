"""Several pairs of heads as one pair: their outputs side by side, with fewer hidden units.

Heads that were trained from different seeds err in different places, so that their scores added up
find more than any of them. The scores of rows side by side are those scores added up; and what is
side by side is one linear map and one hidden layer again, as in `indexer.encoders.mini.heads.head`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexer.encoders.mini.heads import POOLED, class_branch, head, standardised

Array = NDArray[np.float32]
SIDES = ("image", "text")
_SCALES = tuple(f"{side}.{name}" for side in SIDES for name in ("mean", "scale"))
_SCALED = ("linear", "bias", "outer")  # what makes the rows of a head longer
RIDGE = 0.003  # of the mean square of a hidden unit: none stands for another without end


def side_by_side(
    members: Sequence[Mapping[str, Array]], images: Array, captions: Array
) -> dict[str, Array]:
    """The tensors of heads whose rows are those of all members, each as loud as the others.

    How loud a member is, its mean length tells on features of `images` (n, 9064) and `captions`
    (m, w). Members may standardise features differently: the first one's way is kept.
    """
    alike = [_standardised_as(members[0], member) for member in members]
    joined = {name: members[0][name] for name in _SCALES}
    for side, features in zip(SIDES, (images, captions), strict=True):
        loud = [_quietened(side, features, member) for member in alike]
        for name in ("linear", "bias", "inner", "inner_bias"):
            joined[f"{side}.{name}"] = np.hstack([member[f"{side}.{name}"] for member in loud])
        joined[f"{side}.outer"] = _diagonal([member[f"{side}.outer"] for member in loud])
        if side == "image":
            joined["classes"] = np.hstack([member["classes"] for member in loud])
            joined["class_weight"] = np.ones(1, np.float32)
    return joined


def fewer_units(
    weights: Mapping[str, Array], side: str, features: Array, number: int
) -> dict[str, Array]:
    """The same heads with the `number` hidden units of one side that move its rows most.

    What the others gave on `features` (n, w) is given by those that stay, as far as a linear map
    of them can (ridge regression).
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


def _standardised_as(first: Mapping[str, Array], other: Mapping[str, Array]) -> dict[str, Array]:
    """A member's tensors as they have to be when features are standardised as for the first."""
    weights: dict[str, Any] = dict(other) | {name: first[name] for name in _SCALES}
    for side in SIDES:
        mean, scale = other[f"{side}.mean"], other[f"{side}.scale"]
        away = (first[f"{side}.mean"] - mean) * scale
        for matrix, bias in (("linear", "bias"), ("inner", "inner_bias")):
            tensor = other[f"{side}.{matrix}"]
            weights[f"{side}.{bias}"] = other[f"{side}.{bias}"] + away @ tensor
            weights[f"{side}.{matrix}"] = tensor * (scale / first[f"{side}.scale"])[:, None]
    return weights


def _quietened(side: str, features: Array, weights: Mapping[str, Array]) -> dict[str, Array]:
    """A member's tensors so that its rows of these features are of length 1 in the mean."""
    rows = head(standardised(features, side, weights), side, weights)
    classes = weights["class_weight"] * weights["classes"]
    if side == "image":
        rows = rows + class_branch(features[:, POOLED:] ** 2, weights)
    length = np.linalg.norm(rows, axis=1).mean()
    scaled = {f"{side}.{name}": weights[f"{side}.{name}"] / length for name in _SCALED}
    return {**weights, **scaled, "classes": classes / length}


def _diagonal(blocks: Sequence[Array]) -> Array:
    """A matrix of these blocks along its diagonal and zeros beside them."""
    heights, widths = (np.cumsum([0, *(b.shape[axis] for b in blocks)]) for axis in (0, 1))
    matrix = np.zeros((heights[-1], widths[-1]), np.float32)
    for number, block in enumerate(blocks):
        rows = slice(heights[number], heights[number + 1])
        matrix[rows, widths[number] : widths[number + 1]] = block
    return matrix
