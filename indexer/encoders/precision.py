"""Precisions: the arithmetic that an image tower runs in, as part of an encoder's name.

`int8:mini` is `mini` with an image tower in whole numbers of 8 bits.
"""

from __future__ import annotations

from pathlib import Path

from indexer.encoders.protocol import FP32, INT8
from indexer.encoders.registry import preferred_precision

AUTO = "auto"
PRECISIONS = (AUTO, FP32, INT8)


def plain_name(name: str) -> str:
    """The name of an encoder without its precision."""
    return name.removeprefix(f"{INT8}:")


def precision_of(name: str) -> str:
    """The precision that the name of an encoder stands for."""
    return INT8 if name.startswith(f"{INT8}:") else FP32


def in_precision(name: str, precision: str, *, cache: Path | None = None) -> str:
    """The name of an encoder in a precision; `auto` is int8 where that is known to cost little.

    To choose, `auto` may have to export towers and to measure them.
    """
    name = plain_name(name)
    wanted = preferred_precision(name, cache=cache) if precision == AUTO else precision
    return f"{INT8}:{name}" if wanted == INT8 else name
