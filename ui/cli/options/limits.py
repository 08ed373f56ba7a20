"""The limits of decoding a picture: its time, its size, and the memory of a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from indexer.pictures.limits import GIB, MEMORY_LIMIT, TIME_LIMIT

Command = TypeVar("Command", bound=Callable[..., Any])


def limit_options(then: str = "") -> Callable[[Command], Command]:
    """`--time-limit`, `--max-pixels` and `--memory-limit`, which becomes a number of bytes.

    `then` is appended to the help of each.
    """
    time_limit = click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help=f"Time limit for each picture.{then}  [default: {TIME_LIMIT:g}]",
    )
    max_pixels = click.option(
        "--max-pixels", type=click.IntRange(1), help=f"Largest picture to decode.{then}"
    )
    memory_limit = click.option(
        "--memory-limit",
        type=click.FloatRange(min=0, min_open=True),
        metavar="GIB",
        callback=lambda ctx, parameter, gib: None if gib is None else round(gib * GIB),
        help=f"Memory limit for each decoding process.{then}  [default: {MEMORY_LIMIT / GIB:g}]",
    )
    return lambda command: time_limit(max_pixels(memory_limit(command)))
