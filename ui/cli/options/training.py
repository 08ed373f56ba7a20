"""Options of all training commands."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.datasets.folder import dataset_folder
from indexer.errors import InputError
from indexer.settings import DEFAULT_ENCODER
from ui.cli.options.paths import UserPath, UserText

if TYPE_CHECKING:
    from indexer.training.loop import LoopSettings

Command = Callable[..., Any]

model_option = click.option(
    "--model",
    type=UserText(),
    default=DEFAULT_ENCODER,
    show_default=True,
    help="Encoder to train it for.",
)


def training_options(
    *,
    output: str,
    holds: str,
    split: str,
    validation: str,
    held_out_for: str,
    passes: str,
    several: bool = False,
) -> Callable[[Command], Command]:
    """The data set, its held-out parts, the output, the number of epochs, and the seed.

    `output` and `validation` are defaults; the others complete the help of an option. `several`:
    more than one data set may be named, each with a weight.
    """
    path = UserPath()
    options = [
        click.argument("datasets", type=WeightedFolder(), nargs=-1, required=True)
        if several
        else click.argument("dataset", type=path),
        click.option(
            "--output",
            type=UserPath(dir_okay=False),
            default=Path(output),
            show_default=True,
            help=f"File for the {holds}; settings and figures go to a .json file beside it.",
        ),
        click.option("--split", type=path, help=f"File that lists the pictures to {split}."),
        click.option(
            "--validation",
            type=UserText(),
            default=validation,
            show_default=True,
            metavar="FILE|SHARE",
            help=f"Pictures held out for {held_out_for}: a file that lists them, or a share.",
        ),
        click.option(
            "--report", type=path, help="File that lists the pictures to report results on."
        ),
        click.option(
            "--captions",
            multiple=True,
            type=path,
            help="A caption file outside DATASET. May be repeated.",
        ),
        click.option("--epochs", type=click.IntRange(1), help=f"Passes over the {passes}."),
        click.option("--seed", type=int, default=0, show_default=True, help="Random seed."),
    ]

    def with_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


class WeightedFolder(click.ParamType[tuple[Path, float]]):
    """A folder, with `:WEIGHT` after it or with the weight 1; converts to both."""

    name = "dataset"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Path, float]:
        folder, colon, share = str(value).rpartition(":")
        if not colon or Path(value).expanduser().is_dir():
            return dataset_folder(Path(value)), 1.0
        with suppress(ValueError):
            if 0 < float(share) <= 1:
                return dataset_folder(Path(folder)), float(share)
        raise InputError(f"{value}: a weight after ':' must be above 0 and at most 1")


def check_output(output: Path) -> None:
    """Raise `InputError` if the output cannot be written, before the long work."""
    with suppress(OSError):
        output.parent.mkdir(parents=True, exist_ok=True)
    target = output if output.exists() else output.parent
    if not output.parent.is_dir() or not os.access(target, os.W_OK):
        raise InputError(f"{output}: cannot be written; name another file with --output")


def validation_of(given: str) -> Path | float:
    """The value of `--validation`: a list of names, or a share. Raises `InputError`."""
    try:
        share = float(given)
    except ValueError:
        return Path(given)
    if not 0 < share < 1:
        raise InputError(f"--validation {given}: a share must be between 0 and 1")
    return share


def loop_of(default: LoopSettings, seed: int, epochs: int | None) -> LoopSettings:
    """The settings of the training loop with the given seed and epochs."""
    loop = replace(default, seed=seed)
    return replace(loop, epochs=epochs) if epochs else loop


def kept_beside(output: Path) -> dict[str, Path]:
    """The paths of the checkpoint, for resuming, and of the curves."""
    return {
        "checkpoint": output.with_suffix(".checkpoint"),
        "curves": output.with_suffix(".curves"),
    }
