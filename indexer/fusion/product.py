"""`product`: element-wise product of learned non-negative projections of both embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from indexer.decoupling import Array, Arrays, Joined
from indexer.fusion.learned import Learned
from indexer.fusion.weights import Axes


class Product(Learned):
    """`v_p = P_i(v_i) ⊗ P_t(v_t)`, shape (n, h), where `P(v) = relu(v W + b)` is never negative.

    `v_p` is projected to the retrieval space: `unit(v_p R)`, shape (n, dim). A product of signed
    numbers is also large where both sides are negative; a product of non-negative ones is large
    only where both sides agree. A missing side is `P(0)`.
    """

    name = strategy = "product"
    shapes: ClassVar[Mapping[str, Axes]] = {
        "image_positive": ("d", "h"),
        "image_bias": ("h",),
        "text_positive": ("d", "h"),
        "text_bias": ("h",),
        "output": ("h", "d"),
    }

    @staticmethod
    def fused(v_i: Array, v_t: Array, tensors: Arrays, join: Joined) -> Array:
        return positive_product(v_i, v_t, tensors) @ tensors["output"]


def positive_product(v_i: Array, v_t: Array, tensors: Arrays) -> Array:
    """`v_p`, shape (n, h)."""
    p_i = (v_i @ tensors["image_positive"] + tensors["image_bias"]).clip(min=0)
    p_t = (v_t @ tensors["text_positive"] + tensors["text_bias"]).clip(min=0)
    return p_i * p_t
