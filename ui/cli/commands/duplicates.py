"""`picfuse duplicates`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.library.records import CopyInfo
from search.duplicates import Group, Tier, find_duplicates
from ui.cli.group import NOTHING_MATCHED, json_option, library_options
from ui.cli.output.text import path_fields, print_json, terminal_safe


@click.command(
    epilog="\b\nExamples:\n  picfuse duplicates\n  picfuse duplicates --tier similar --json\n"
    "  picfuse duplicates --tier identical -0 | xargs -0 ls -l"
)
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier]),
    default=Tier.SAME.value,
    show_default=True,
    help="identical: the same bytes. same: also resized, recompressed or brightened copies. "
    "similar: also other shots of the same scene, and crops.",
)
@click.option(
    "-0", "zero", is_flag=True, help="Print all but the best of each group, for xargs -0."
)
@library_options
@json_option
@click.pass_context
def duplicates(
    ctx: click.Context, tier: str, zero: bool, library: Path, offline: bool, as_json: bool
) -> None:
    """List groups of duplicates, the best copy first. Nothing is deleted.

    The best copy has the most pixels; among equals, it is the largest file, then the oldest. Exit
    status 1 if there are no duplicates.
    """
    if zero and as_json:
        raise click.UsageError("--json and -0 cannot be combined")
    with Library.open(library, read_only=True, offline=offline) as opened:
        groups = find_duplicates(opened, Tier(tier))
    if as_json:
        listed = [[_fields(copy) for copy in group.pictures] for group in groups]
        print_json({"tier": tier, "groups": listed})
    elif zero:
        others = [copy for group in groups for copy in group.pictures[1:]]
        sys.stdout.buffer.write(b"".join(os.fsencode(copy.path) + b"\0" for copy in others))
    else:
        _print(groups)
    if not groups:
        ctx.exit(NOTHING_MATCHED)


def _fields(copy: CopyInfo) -> dict[str, Any]:
    facts = {"width": copy.width, "height": copy.height, "size": copy.size}
    return {**path_fields(copy.path), **facts, "taken": copy.taken, "modified": copy.modified}


def _print(groups: list[Group]) -> None:
    if not groups:
        click.echo("picfuse: no duplicates of this tier", err=True)
    for number, group in enumerate(groups, start=1):
        for copy in group.pictures:
            mark = click.style("best", fg="green") if copy is group.best else "    "
            size = f"{copy.width} x {copy.height}, {copy.size / 1000:,.0f} KB"
            click.echo(f"{number:4}  {mark}  {size:28}  {terminal_safe(str(copy.path))}")
