"""`picfuse audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer import Library
from search.audit import MIN_CAPTIONED, Doubt, Suggestion, suggest_captions, worst_captions
from ui.cli.group import NOTHING_MATCHED, json_option, library_options
from ui.cli.output.text import path_fields, print_json, terminal_safe


@click.command(epilog="Example: picfuse audit -k 50")
@click.option(
    "-k", type=click.IntRange(1), default=20, show_default=True, help="Pictures in each list."
)
@library_options
@json_option
@click.pass_context
def audit(ctx: click.Context, k: int, library: Path, offline: bool, as_json: bool) -> None:
    """List captions that do not fit their picture, and suggest captions for pictures without one.

    The worst come first: captions that were swapped, copied or mistaken. Suggested captions are
    those of the most similar pictures. Nothing is changed. Exit status 1 if there is nothing to
    list.
    """
    with Library.open(library, read_only=True, offline=offline) as opened:
        doubts, suggestions = worst_captions(opened, k), list(suggest_captions(opened, k))
    if as_json:
        print_json(
            {
                "doubtful": [_doubt_fields(doubt) for doubt in doubts],
                "suggested": [_suggestion_fields(suggestion) for suggestion in suggestions],
            }
        )
    else:
        _print(doubts, suggestions)
    if not doubts and not suggestions:
        ctx.exit(NOTHING_MATCHED)


def _doubt_fields(doubt: Doubt) -> dict[str, Any]:
    captions, agreement = list(doubt.captions), doubt.agreement
    return {**path_fields(doubt.path), "agreement": agreement, "captions": captions}


def _suggestion_fields(suggestion: Suggestion) -> dict[str, Any]:
    pairs = zip(suggestion.captions, suggestion.likeness, strict=True)
    listed = [{"caption": caption, "likeness": likeness} for caption, likeness in pairs]
    return {**path_fields(suggestion.path), "suggestions": listed}


def _print(doubts: list[Doubt], suggestions: list[Suggestion]) -> None:
    if doubts:
        click.echo("Captions that do not fit, worst first (0 is usual in this library):")
    for doubt in doubts:
        click.echo(
            f"{click.style(f'{doubt.agreement:6.1f}', fg='red')}  {terminal_safe(str(doubt.path))}"
        )
        for caption in doubt.captions:
            click.echo(click.style(f"{'':8}{terminal_safe(caption)}", dim=True))
    if suggestions:
        click.echo("Pictures without a caption, with the captions of similar pictures:")
    for suggestion in suggestions:
        click.echo(f"{'':8}{terminal_safe(str(suggestion.path))}")
        for caption, likeness in zip(suggestion.captions, suggestion.likeness, strict=True):
            line = f"{likeness:13.2f}  {terminal_safe(caption)}"
            click.echo(click.style(line, dim=True))
    if not doubts and not suggestions:
        click.echo(
            f"picfuse: nothing to list: judging captions takes {MIN_CAPTIONED} captioned pictures, "
            "and suggesting some takes pictures with and without one",
            err=True,
        )
