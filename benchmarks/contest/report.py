"""What is printed of a comparison: each contestant's value in each round, and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

OWN = "picfuse"


@dataclass(frozen=True, slots=True)
class Figure:
    """The ratio to a peer that is to be reached, at least or at most."""

    peer: str
    ratio: float
    least: bool

    def __str__(self) -> str:
        return f"; the figure to reach is at {'least' if self.least else 'most'} {self.ratio:g}"


def table(title: str, values: Mapping[str, Sequence[float]], digits: int = 2) -> None:
    """Print the values of each round under the names of the contestants, and their medians."""
    click.echo(f"\n{title}\n" + "  ".join([f"{'round':>6}", *values]))
    rounds = [(str(n), row) for n, row in enumerate(zip(*values.values(), strict=True), start=1)]
    medians = tuple(statistics.median(column) for column in values.values())
    for label, row in [*rounds, ("median", medians)]:
        cells = (f"{value:>{len(name)}.{digits}f}" for name, value in zip(values, row, strict=True))
        click.echo("  ".join([f"{label:>6}", *cells]))


def ratios(values: Mapping[str, Sequence[float]], *figures: Figure) -> None:
    """Print picfuse's value divided by each peer's: the median over the rounds, and the extremes.

    Only values of one round are divided by each other.
    """
    wanted = {figure.peer: figure for figure in figures}
    for peer, others in values.items():
        if peer == OWN:
            continue
        found = [own / other for own, other in zip(values[OWN], others, strict=True)]
        click.echo(
            f"{OWN} / {peer}: median {statistics.median(found):.2f} "
            f"(min {min(found):.2f}, max {max(found):.2f}){wanted.get(peer, '')}"
        )
