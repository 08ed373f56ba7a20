"""Options of the commands that index or encode pictures."""

from __future__ import annotations

from collections.abc import Callable

import click

from indexer.pictures.limits import GIB, MEMORY_LIMIT, TIME_LIMIT
from ui.cli.group import F
from ui.cli.options.grouping import grouped

workers_option = click.option(
    "--workers",
    type=click.IntRange(1),
    help="Number of decoding processes.  [default: one per core]",
)


def decoding_limits(*, adds: str = "") -> Callable[[F], F]:
    """`--time-limit`, `--max-pixels` and `--memory-limit`; `adds` is appended to what they do.

    Commands get `memory_limit` in bytes.
    """
    return grouped(
        click.option(
            "--memory-limit",
            type=click.FloatRange(min=0, min_open=True),
            metavar="GIB",
            callback=lambda ctx, parameter, value: None if value is None else round(value * GIB),
            help=f"Memory limit for each decoding process.{adds}  "
            f"[default: {MEMORY_LIMIT / GIB:g}]",
        ),
        click.option(
            "--max-pixels", type=click.IntRange(1), help=f"Largest picture to decode.{adds}"
        ),
        click.option(
            "--time-limit",
            type=click.FloatRange(min=0, min_open=True),
            metavar="SECONDS",
            help=f"Time limit for each picture.{adds}  [default: {TIME_LIMIT:g}]",
        ),
    )
