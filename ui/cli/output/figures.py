"""Figures of an evaluation for people: tables, comparisons, and advice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from indexer.fusion import LEARNED
from indexer.metrics.bootstrap import MIN_PICTURES
from search.evaluation.advice import DEFAULT, Advice, AdvisedSetting
from ui.cli.output.text import terminal_safe

FIGURES = ("r@1", "r@5", "r@10", "median_rank", "mrr", "queries")
LABELS = {"picture": "picture alone", "caption": "caption alone"}
WIDTH = 120


def print_classes(result: dict[str, Any]) -> None:
    """Print the figures of a labelled data set on one line."""
    tops = ", ".join(f"{said} {_with_interval(result, top)}" for top, said in _TOPS.items())
    click.echo(f"{result['pictures']} pictures, {result['classes']} classes: {tops}")


_TOPS = {"top1": "top-1", "top5": "top-5"}


def _with_interval(result: dict[str, Any], top: str) -> str:
    low, high = result.get("ci95", {}).get(top, (None, None))
    interval = "" if low is None else f" ({low:.1f} to {high:.1f})"
    return f"{result[top]:.1f} %{interval}"


def print_figures(result: dict[str, Any]) -> None:
    """Print the figures of the protocols, and how the strategies differ from `mean`."""
    console = Console(width=WIDTH)
    table = Table("protocol", "", title=f"{result['pictures']} pictures")
    for figure in FIGURES:
        table.add_column(figure, justify="right", no_wrap=True)
    for name, direction, m in _rows(result):
        table.add_row(terminal_safe(name), direction, *(_cell(m, figure) for figure in FIGURES))
    console.print(table)
    if any("ci95" in m for _, _, m in _rows(result)):
        click.echo("Below each figure: its 95 % interval for other pictures of this kind.")
    if "differences" in result:
        console.print(_differences(result))
    if lost := result.get("without_captions"):
        click.echo(
            f"R@10 of pictures without a caption: {lost['lost_ratio']} of its value when all lack "
            f"one; of the others: {lost['kept_ratio']} of its value when all have one"
        )


def _rows(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    protocols = result["protocols"]
    named = [(label, protocols[key]) for key, label in LABELS.items() if key in protocols]
    named += [(f"fused: {name}", m) for name, m in protocols.get("fused", {}).items()]
    for name, directions in named:
        for direction, m in directions.items():
            yield name, direction.replace("_", " "), m
    if lost := result.get("without_captions"):
        for part in ("lost", "lost_reference", "kept", "kept_reference"):
            yield "without captions", part.replace("_", " "), lost[part]


def _cell(m: dict[str, Any], figure: str) -> Text:
    """A figure with its interval below it."""
    cell = Text(_number(m[figure], figure), justify="right")
    if figure in m.get("ci95", {}):
        low, high = (_number(end, figure) for end in m["ci95"][figure])
        cell.append(f"\n{low}–{high}", style="dim")
    return cell


def _number(value: float, figure: str) -> str:
    if figure == "queries":
        return f"{value:,}"
    if figure == "median_rank":
        return f"{value:g}"
    return f"{value:.3f}" if figure == "mrr" else f"{value:.1f}"


def _differences(result: dict[str, Any]) -> Table:
    """The difference of each from the reference, and whether it is more than chance."""
    differences = result["differences"]
    against, few = differences["against"], differences["asking"] < MIN_PICTURES
    table = Table("", title=f"difference from {against} on the same queries")
    for figure in ("r@1", "r@5", "r@10", "mrr"):
        table.add_column(figure, justify="right")
    table.add_column("verdict by mrr")
    for name, m in differences.items():
        if name not in ("against", "asking"):
            label = LABELS.get(name, f"fused: {name}")
            figures = (_signed_cell(m, figure) for figure in ("r@1", "r@5", "r@10", "mrr"))
            verdict = "too few to tell" if few else _verdict(m["ci95"]["mrr"], against)
            table.add_row(terminal_safe(label), *figures, verdict)
    return table


def _signed_cell(m: dict[str, Any], figure: str) -> Text:
    cell = Text(_signed(m[figure], figure), justify="right")
    low, high = (_signed(end, figure) for end in m["ci95"][figure])
    cell.append(f"\n{low} to {high}", style="dim")
    return cell


def _signed(value: float, figure: str) -> str:
    value = value or 0.0  # no "-0.0"
    return f"{value:+.3f}" if figure == "mrr" else f"{value:+.1f}"


def _verdict(interval: list[float], against: str) -> str:
    low, high = interval
    if low > 0:
        return f"better than {against}"
    return f"worse than {against}" if high < 0 else "no difference shown"


def print_advice(result: dict[str, Any], advice: Advice | None) -> None:
    """Print which fusion and weight suit the pictures, how surely, and how to adopt them."""
    if advice is None:
        click.echo(
            "Advice: none. Every picture has only one caption, so only search by the picture alone "
            "is measured. Comparing fusions and weights takes two captions per picture: one to "
            "index and one to use as a query."
        )
        return
    if advice.asking < result["pictures"]:
        click.echo(
            f"{advice.asking:,} of {result['pictures']:,} pictures supplied queries: captions that "
            "are not indexed."
        )
    click.echo(f"Advice: {_advice(advice)}")
    if advice.is_sure:
        _print_price(advice)
        click.echo(f"To adopt it: {terminal_safe(result['advice']['adopt'])}")


def _print_price(advice: Advice) -> None:
    """Print what the chosen fusion gives up compared with the default one."""
    name = advice.chosen.fusion
    if not advice.weighable:
        click.echo(
            f"It gives up the weight: {terminal_safe(name)} has its own built in, so searches can "
            f"no longer set it with --weight, as they can with {DEFAULT.fusion}."
        )
    if name.partition(":")[0] in LEARNED:
        click.echo(
            f"{terminal_safe(name)} fits only this model: a library of another one cannot use it."
        )


def _advice(advice: Advice) -> str:
    default, best = _setting(DEFAULT), _setting(advice.best)
    if advice.asking < MIN_PICTURES:
        return f"keep {default}, the default; {advice.asking} pictures are too few to tell."
    if advice.best == DEFAULT:
        return f"keep {default}, the default; none of {len(advice.tried)} settings does better."
    low, high = (_signed(end, "mrr") for end in advice.gain.ci95["mrr"])
    gain = (
        f"it gains {_signed(advice.gain.by['mrr'], 'mrr')} ({low} to {high}) mrr on pictures that "
        "were not used to choose it"
    )
    tried = f"mrr {advice.tried[advice.best]:.3f}, the default has {advice.tried[DEFAULT]:.3f}"
    if advice.is_sure:
        return f"{best} suits these pictures best ({tried}); {gain}."
    return (
        f"keep {default}, the default; {best} looks best ({tried}), but that may be chance: {gain}."
    )


def _setting(setting: AdvisedSetting) -> str:
    return f"{terminal_safe(setting.fusion)} at weight {setting.weight:g}"
