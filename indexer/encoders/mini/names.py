"""What a text names: a class of ImageNet, what classes are kinds of, or a word of captions.

The heads learn from sentences, and a word alone is none: what pictures are like whose captions have
that word in common is known better than a head can guess it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows, unit_rows

NEAREST = 30.0  # β: the larger, the more only the name nearest to a text counts
NAMED, SURE = 0.65, 40.0  # cosine to a name at which a text is half taken for it; how steeply
WORD_PART = {"words.names": ("m", 384), "words.classes": ("m", "c"), "words.heads": ("m", "d")}


class Named(NamedTuple):
    """What texts name: `sure` (n, 1), how near they are to the very name, between 0 and 1.

    `gate` (n, 1): how much they read like a name at all, and not like the description of a scene.
    `classes` (n, c): the codes of what is named, of unit length; `heads` (n, d): what is added to
    the heads' part, at most about as long as that.
    """

    sure: Rows
    gate: Rows
    classes: Rows
    heads: Rows


def named(known: NDArray[np.float32], weights: Mapping[str, Any]) -> Named:
    """What texts name, of what the text tower says of them by itself, (n, 384).

    With names N and their cosines `t N` to a text, the largest of them `top`: `k(t)`, a logistic
    function of it, is 1 for the very name; `e = exp(β (t N - top))` is 1 for the nearest name and
    small for all that are less near. The classes are `unit(e M)`, of the codes M of the names; to
    the heads' part `g k e W` is added, W being the rows of words and zero for other names. The gate
    `g(t)`, a logistic function of the text features, keeps captions what they are: one that is near
    to a word, and had the row of its pictures, would be near to too many pictures.
    """
    near = [known @ weights[names].T for names in ("class.names", "words.names")]
    top = np.max([rows.max(axis=1, initial=-1) for rows in near], axis=0)[:, None]
    classes, words = (np.exp(NEAREST * (rows - top)) for rows in near)
    codes = classes @ weights["class.named"] + words @ weights["words.classes"]
    sure = _logistic(SURE * (top - NAMED))
    gate = _logistic(known @ weights["class.gate"] + weights["class.gate_bias"])
    return Named(sure, gate, unit_rows(codes), gate * sure * (words @ weights["words.heads"]))


def _logistic(x: Any) -> Any:
    """`1 / (1 + exp(-x))`."""
    return 1 / (1 + np.exp(-x))
