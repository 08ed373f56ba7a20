"""`gated`: task-related projections of both embeddings gate the two embeddings themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from indexer.decoupling import Array, Arrays, Joined, Modality, decoupled
from indexer.fusion.learned import Learned
from indexer.fusion.weights import Axes


class Gated(Learned):
    """Task-related features gate the embeddings, which depend on no task.

    `v_ir = v_i A_i + b_i` and `v_tr = v_t A_t + b_t`, (n, dim) each; `v_cr = [v_ir, v_tr]` and
    `v_c = [v_i, v_t]`, (n, 2 dim) each; `v_f = v_cr ⊗ v_c`, (n, 2 dim), makes the prediction:
    `unit(v_i + v_t + v_f G)`, (n, dim). With `G` zero it is the mean. A missing side is zero in
    `v_c` and therefore in `v_f`.
    """

    name = strategy = "gated"
    shapes: ClassVar[Mapping[str, Axes]] = {
        "image_task": ("d", "d"),
        "image_bias": ("d",),
        "text_task": ("d", "d"),
        "text_bias": ("d",),
        "output": ("2d", "d"),
    }

    @staticmethod
    def fused(v_i: Array, v_t: Array, tensors: Arrays, join: Joined) -> Array:
        return v_i + v_t + gated(v_i, v_t, tensors, join) @ tensors["output"]


def gated(v_i: Array, v_t: Array, tensors: Arrays, join: Joined) -> Array:
    """`v_f`, shape (n, 2 dim)."""
    image = Modality(v_i, tensors["image_task"], tensors["image_bias"])
    text = Modality(v_t, tensors["text_task"], tensors["text_bias"])
    return decoupled([image, text], join)
