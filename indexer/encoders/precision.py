"""Precisions: the arithmetic of an image tower, as part of an encoder's name.

`int8:mini` is `mini` with an image tower in 8-bit integers.
"""

from __future__ import annotations

from pathlib import Path

from indexer.encoders.protocol import FP32, INT8
from indexer.encoders.registry import preferred_precision

AUTO = "auto"
PRECISIONS = (AUTO, FP32, INT8)


def plain_name(name: str) -> str:
    """Strip the precision from an encoder's name."""
    return name.removeprefix(f"{INT8}:")


def precision_of(name: str) -> str:
    """The precision in an encoder's name."""
    return INT8 if name.startswith(f"{INT8}:") else FP32


def in_precision(name: str, precision: str, *, cache: Path | None = None) -> str:
    """The name of an encoder in a precision; `auto` is int8 if that is known to cost little.

    For `auto`, towers may have to be exported and measured.
    """
    name = plain_name(name)
    if precision == AUTO:
        precision = preferred_precision(name, cache=cache)
    return f"{INT8}:{name}" if precision == INT8 else name
