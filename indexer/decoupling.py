"""Cross-modal task decoupling: features related to a task, kept apart from their fusion.

Both `gated` and the tag heads predict from this formula. It runs on numpy rows and on torch
tensors: both support `@`, `+` and `*`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

Array: TypeAlias = Any  # a numpy array or a torch tensor, (n, something)
Arrays: TypeAlias = Mapping[str, Any]  # weights by name
Joined: TypeAlias = Callable[..., Array]  # `np.concatenate` or `torch.cat`


class Modality(NamedTuple):
    """Features `v` (n, d) of one modality, and their learned projection to the task.

    `task` has the shape (d, d), `bias` (d,).
    """

    v: Array
    task: Array
    bias: Array


def decoupled(modalities: Sequence[Modality], join: Joined) -> Array:
    """`v_f = v_cr ⊗ v_c`, (n, width): the fused features, each weighted by the task.

    `v_c = [v_i, v_t]` are the features of the modalities side by side, independent of any task;
    `v_cr = [v_ir, v_tr]` are their task-related projections, `v_ir = v_i A_i + b_i` and
    `v_tr = v_t A_t + b_t`. For a single modality, `v_f` is `v_ir ⊗ v_i`.
    """
    v_c = join([m.v for m in modalities], -1)
    v_cr = join([m.v @ m.task + m.bias for m in modalities], -1)
    return v_cr * v_c
