"""Training in bfloat16, on processors that multiply it in hardware; others emulate it, slowly."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn

INSTRUCTIONS = ("amx_bf16", "avx512_bf16")


def halves(wanted: bool = True) -> torch.autocast:
    """A context that multiplies in bfloat16 if this is `wanted` and pays on this processor."""
    return torch.autocast("cpu", torch.bfloat16, enabled=wanted and _multiplies_halves())


def with_exact_depthwise(module: nn.Module) -> nn.Module:
    """Keep depthwise convolutions in float32: their gradients are slow in halves."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d) and part.groups > 1:
            part.forward = _exact(part.forward)  # type: ignore[assignment, method-assign]
    return module


def _exact(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def in_float(x: Tensor) -> Tensor:
        with torch.autocast("cpu", enabled=False):
            return forward(x.float())

    return in_float


@cache
def _multiplies_halves() -> bool:
    try:
        known = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return any(name in known for name in INSTRUCTIONS)
