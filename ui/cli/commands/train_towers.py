"""`picfuse train towers`."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.encoders.mini.heads import BUILT_IN
from indexer.errors import InputError
from indexer.kinds.extras import TRAIN_EXTRA, extra_module
from ui.cli.options.paths import UserPath


@click.command(epilog="Example: picfuse train towers --output towers")
@click.option(
    "--output",
    type=UserPath(),
    required=True,
    metavar="FOLDER",
    help="New folder for the files.",
)
def towers(output: Path) -> None:
    """Write the pretrained towers of the built-in model as picfuse ships them.

    PyTorch exports each tower from the two packages that the extra 'train' installs. Their weights
    go into one file in about half their size, beside the graphs in ONNX. Takes a few minutes. Only
    needed to build picfuse itself: trained heads work with the towers as they are.
    """
    if output.exists():
        raise InputError(f"{output}: exists already; name a new folder")
    packing = extra_module("indexer.training.mini.packing", TRAIN_EXTRA, "packing the towers")
    for tower in packing.pack(output, BUILT_IN):
        click.echo(f"picfuse: exporting the tower {tower!r}", err=True)
