"""`picfuse duplicates`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.errors import LibraryError
from indexer.library.records import CopyInfo
from search.duplicates import Duplicates, Group, Tier, find_duplicates
from search.duplicates.files import IN_ARCHIVE
from ui.cli.group import NOTHING_MATCHED, json_option, library_options
from ui.cli.output.text import path_fields, print_json, terminal_safe
from ui.sentences import counted


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
    "-0",
    "zero",
    is_flag=True,
    help="Print the copies of each group that can be deleted, for xargs -0.",
)
@library_options
@json_option
@click.pass_context
def duplicates(
    ctx: click.Context, tier: str, zero: bool, library: Path, offline: bool, as_json: bool
) -> None:
    """List groups of duplicates, the best copy first. Nothing is deleted.

    The best copy has the most pixels; among equals, it is the largest file, then the oldest. Files
    that have changed or gone since they were indexed are left out. Names of one file (hard links)
    are not duplicates of each other. Exit status 1 if there are no duplicates.
    """
    if zero and as_json:
        raise click.UsageError("--json and -0 cannot be combined")
    with _opened(library, offline=offline) as opened:
        found = find_duplicates(opened, Tier(tier), read_again=zero or as_json or None)
    if as_json:
        print_json({"tier": tier, **duplicate_fields(found)})
    elif zero:
        spare = [copy for group in found for copy in group.spare]
        sys.stdout.buffer.write(b"".join(os.fsencode(copy.path) + b"\0" for copy in spare))
    else:
        _print(found)
    for line in _notices(found):
        click.echo(f"picfuse: {line}", err=True)
    if not found:
        ctx.exit(NOTHING_MATCHED)


def _opened(path: Path, *, offline: bool) -> Library:
    """A library that keeps what comparing files has shown; a reader if it cannot be written."""
    try:
        return Library.open(path, offline=offline)
    except LibraryError:  # also tells what is wrong, if it cannot be read either
        return Library.open(path, read_only=True, offline=offline)


def duplicate_fields(found: Duplicates) -> dict[str, Any]:
    """The JSON fields of duplicates."""
    return {
        "groups": [[_fields(copy, group) for copy in group.pictures] for group in found],
        "hard_links": [[path_fields(path) for path in paths] for paths in found.hard_links],
        "left_out": [{**path_fields(one.path), "reason": one.reason} for one in found.left_out],
    }


def _fields(copy: CopyInfo, group: Group) -> dict[str, Any]:
    facts = {"width": copy.width, "height": copy.height, "size": copy.size}
    times = {"taken": copy.taken, "modified": copy.modified}
    links = {"hard_links": [path_fields(path) for path in copy.hard_links]}
    named = {"id": copy.id, **path_fields(copy.path)}
    return {**named, **facts, **times, "spare": copy in group.spare, **links}


def _print(found: Duplicates) -> None:
    if not found:
        click.echo("picfuse: no duplicates of this tier", err=True)
    for number, group in enumerate(found, start=1):
        for copy in group.pictures:
            mark = click.style("best", fg="green") if copy is group.best else "    "
            size = f"{copy.width} x {copy.height}, {copy.size / 1000:,.0f} KB"
            click.echo(f"{number:4}  {mark}  {size:28}  {terminal_safe(str(copy.path))}")
            _print_links(copy.hard_links)
    grouped = {copy.path for group in found for copy in group.pictures}
    for path, *others in found.hard_links:
        if path not in grouped:
            click.echo(
                f"{'':4}  {'':4}  {'one file, several names':28}  {terminal_safe(str(path))}"
            )
            _print_links(others)


def _print_links(paths: Sequence[Path]) -> None:
    for path in paths:
        click.echo(
            f"{'':4}  {'':4}  {'  hard link to the same file':28}  {terminal_safe(str(path))}"
        )


def _notices(found: Duplicates) -> Iterator[str]:
    """Lines about the files that are left out."""
    stale = sum(one.out_of_date for one in found.left_out)
    if stale:
        files, they = (
            ("1 file has", "it was") if stale == 1 else (f"{stale:,} files have", "they were")
        )
        yield f"{files} changed or gone since {they} indexed: run picfuse index"
    archived = sum(one.reason == IN_ARCHIVE for one in found.left_out)
    if archived:
        are = "is" if archived == 1 else "are"
        yield f"{counted(archived)} {are} left out: {IN_ARCHIVE}"
    for one in found.left_out:
        if not one.out_of_date and one.reason != IN_ARCHIVE:
            yield f"left out: {terminal_safe(str(one.path))}: {one.reason}"
