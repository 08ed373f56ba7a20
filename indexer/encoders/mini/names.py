"""Names in texts: an ImageNet class, a group of classes, or a word of captions.

The heads learn from sentences, and a single word is none. The pictures whose captions share a word
show its meaning better than a head could guess it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Rows, unit_rows

NEAREST = 30.0  # β: the larger, the more the name nearest to a text dominates
NAMED, SURE = 0.65, 40.0  # cosine to a name at which `k` is one half; steepness of `k`
WORD_PART = {"words.names": ("m", 384), "words.classes": ("m", "c"), "words.heads": ("m", "d")}


class Named(NamedTuple):
    """The names in texts: `sure` (n, 1), from 0 to 1, is 1 for exactly a name.

    `gate` (n, 1): how much a text reads like a name rather than like the description of a scene.
    `classes` (n, c): codes of the named classes, of unit length. `heads` (n, d): the term to add to
    the heads' part, with at most about the same length.
    """

    sure: Rows
    gate: Rows
    classes: Rows
    heads: Rows


def named(known: NDArray[np.float32], weights: Mapping[str, Any]) -> Named:
    """Find the names in texts, from their features (n, 384) without the tail.

    `t N` are the cosines of a text to the names N, and `top` is the largest. `k(t)`, a logistic
    function of `top`, is 1 for exactly a name; `e = exp(β (t N - top))` is 1 for the nearest name
    and small for those further away. The classes are `unit(e M)`, with the codes M of the names.
    `g k e W` is added to the heads' part, with the rows W of words, zero for other names. The gate
    `g(t)`, a logistic function of the text features, leaves captions unchanged: a caption close to
    a word would otherwise get the row of that word's pictures and match too many of them.
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
