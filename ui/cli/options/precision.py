"""The option `--precision`, and the name of the model it selects."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.encoders.open_clip.recommended import spelled_out
from indexer.encoders.precision import (
    AUTO,
    PRECISIONS,
    in_precision,
    plain_name,
    precision_of,
)
from indexer.encoders.protocol import FP32
from indexer.library.directory import is_vacant
from indexer.locations import cache_directory
from indexer.settings import DEFAULT_ENCODER


def precision_option(*, ends: str) -> Callable[[Any], Any]:
    """`--precision`; `ends` is appended to its help."""
    return click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        metavar="NAME",
        help="Number format of the image encoder: fp32, int8 or auto. int8 is faster but finds "
        "slightly less; auto uses int8 where the loss is known to be negligible, otherwise fp32.  "
        f"{ends}",
    )


def model_in_precision(model: str, precision: str) -> str:
    """The name of a model with a precision."""
    return in_precision(model, precision, cache=cache_directory())


def model_for(library: Path, model: str | None, precision: str | None) -> str | None:
    """The name of the model that a library will use; None if it keeps its own.

    A model named without a precision keeps the library's, if it is the library's model; any other
    gets "auto".
    """
    model = model and spelled_out(model)
    if is_vacant(library):
        return named_model(model or DEFAULT_ENCODER, precision)
    if model is None and precision is None:
        return None
    with Library.open(library, read_only=True) as opened:
        present = opened.settings.encoder
    if model is None or plain_name(model) == plain_name(present):
        spelt_out = model if model and precision_of(model) != FP32 else present
        return model_in_precision(present, precision or precision_of(spelt_out))
    return named_model(model, precision)


def named_model(model: str, precision: str | None) -> str:
    """The name of a model in a precision, by default "auto" unless its name has one."""
    spelt_out = precision_of(model) if precision_of(model) != FP32 else AUTO
    return model_in_precision(model, precision or spelt_out)
