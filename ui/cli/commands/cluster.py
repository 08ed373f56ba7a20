"""`picfuse cluster`: what runs beyond one machine."""

from __future__ import annotations

import click

from ui.cli.commands.cluster_load import load


@click.group()
def cluster() -> None:
    """Encode pictures on many machines."""


cluster.add_command(load)
