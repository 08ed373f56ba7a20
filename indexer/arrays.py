"""What formulas run on that stand once: numpy rows when a library is made, tensors in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Array: TypeAlias = Any  # a numpy array or a torch tensor, (n, something)
Arrays: TypeAlias = Mapping[str, Any]  # weights by name
Joined: TypeAlias = Callable[..., Array]  # `np.concatenate` or `torch.cat`
