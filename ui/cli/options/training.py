"""Options that all commands of training take."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.errors import InputError
from indexer.settings import DEFAULT_ENCODER

if TYPE_CHECKING:
    from indexer.training.loop import LoopSettings

Command = Callable[..., Any]

model_option = click.option(
    "--model", default=DEFAULT_ENCODER, show_default=True, help="The encoder it is for."
)


def training_options(
    *, output: str, holds: str, split: str, validation: str, held_out_for: str, passes: str
) -> Callable[[Command], Command]:
    """The data set, what of it is held out, where the result goes, how long, and the seed.

    `output` and `validation` are defaults; the others end the help of an option.
    """
    path = click.Path(path_type=Path)
    options = [
        click.argument("dataset", type=path),
        click.option(
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            default=Path(output),
            show_default=True,
            help=f"The {holds}; a JSON of settings and figures is written beside it.",
        ),
        click.option("--split", type=path, help=f"List of picture names to {split}."),
        click.option(
            "--validation",
            default=validation,
            show_default=True,
            metavar="FILE|SHARE",
            help=f"What is held out for {held_out_for}: a list of names, or a share.",
        ),
        click.option("--report", type=path, help="List of names that is only reported on."),
        click.option("--captions", multiple=True, type=path, help="A caption file elsewhere."),
        click.option("--epochs", type=click.IntRange(1), help=f"Passes over the {passes}."),
        click.option("--seed", type=int, default=0, show_default=True),
    ]

    def with_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def check_output(output: Path) -> None:
    """Raise `InputError` where nothing can be written, before hours have gone into it."""
    with suppress(OSError):
        output.parent.mkdir(parents=True, exist_ok=True)
    target = output if output.exists() else output.parent
    if not output.parent.is_dir() or not os.access(target, os.W_OK):
        raise InputError(f"{output}: cannot be written; name another file with --output")


def validation_of(given: str) -> Path | float:
    """What `--validation` names: a list of names, or a share. Raises `InputError`."""
    try:
        share = float(given)
    except ValueError:
        return Path(given)
    if not 0 < share < 1:
        raise InputError(f"--validation {given}: a share lies between 0 and 1")
    return share


def loop_of(default: LoopSettings, seed: int, epochs: int | None) -> LoopSettings:
    """The settings of the training loop with what was asked for."""
    loop = replace(default, seed=seed)
    return replace(loop, epochs=epochs) if epochs else loop


def kept_beside(output: Path) -> dict[str, Path]:
    """Where the loop keeps what an interrupt would lose, and its curves."""
    return {
        "checkpoint": output.with_suffix(".checkpoint"),
        "curves": output.with_suffix(".curves"),
    }
