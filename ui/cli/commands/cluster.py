"""`picfuse cluster`: what runs beyond one machine."""

from __future__ import annotations

import click

from ui.cli.commands.cluster_encode import encode
from ui.cli.commands.cluster_load import load


@click.group()
def cluster() -> None:
    """Encode pictures on many machines, and load them into Milvus."""


cluster.add_command(encode)
cluster.add_command(load)
