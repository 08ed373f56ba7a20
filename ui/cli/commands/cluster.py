"""`picfuse cluster`: what runs beyond one machine."""

from __future__ import annotations

import click


@click.group()
def cluster() -> None:
    """Encode pictures on many machines."""
