"""The report of a comparison: each contestant's value in each round, and ratios."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

OWN = "picfuse"


@dataclass(frozen=True, slots=True)
class Figure:
    """The ratio to a peer that should be reached, at least or at most."""

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
    """Print the ratio of picfuse's value to each peer's: median over the rounds, and extremes.

    Ratios are taken within one round.
    """
    figure_of = {figure.peer: figure for figure in figures}
    for peer, others in values.items():
        if peer == OWN:
            continue
        quotients = [own / other for own, other in zip(values[OWN], others, strict=True)]
        click.echo(
            f"{OWN} / {peer}: median {statistics.median(quotients):.2f} "
            f"(min {min(quotients):.2f}, max {max(quotients):.2f}){figure_of.get(peer, '')}"
        )
