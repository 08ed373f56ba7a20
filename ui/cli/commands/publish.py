"""`picfuse publish`, and what `picfuse cluster load` shares with it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import click

from indexer.errors import InputError
from indexer.library.address import address_of
from indexer.library.library import Library
from indexer.milvus.checking import Check, checked
from indexer.milvus.connection import Connection
from indexer.milvus.indexes import AUTO, KINDS
from indexer.milvus.loading import Load, LoadReport, load
from indexer.milvus.sources import load_of_library
from ui.cli.group import NOTHING_MATCHED, F, json_option, library_options
from ui.cli.output.progress import with_bar
from ui.cli.output.text import print_json, terminal_safe
from ui.exits import ended_by_signals


def loading_options(command: F) -> F:
    """`--index`, `--check` and `--json`."""
    command = json_option(command)
    command = click.option(
        "--check",
        "only_check",
        is_flag=True,
        help="Load nothing; compare the number of pictures and a sample of them.",
    )(command)
    return click.option(
        "--index",
        type=click.Choice(KINDS),
        default=AUTO,
        show_default=True,
        help="Index of the vectors of a new collection; auto chooses by their number.",
    )(command)


@click.command(
    epilog="\b\nExamples:\n  picfuse publish milvus://localhost:19530/family\n"
    "  picfuse search a dog --library milvus://localhost:19530/family"
)
@click.argument("collection")
@loading_options
@library_options
@click.pass_context
def publish(
    ctx: click.Context,
    collection: str,
    index: str,
    only_check: bool,
    library: Path,
    offline: bool,
    as_json: bool,
) -> None:
    """Copy the library into COLLECTION of Milvus, where many machines can search it.

    COLLECTION is milvus://HOST:PORT/NAME, or milvus:///FOLDER/FILE.db/NAME for a file of
    milvus-lite; it is created if it does not exist. Run it again after changes: it sends only new
    and changed pictures, and removes those that are gone. Nothing is encoded, and the library
    stays as it is. Exit status 1 if --check finds a difference.
    """
    with Library.open(library, read_only=True, offline=offline) as opened:
        if not opened.catalogue.number_present():
            raise InputError(
                f"{library}: holds no pictures; index some with 'picfuse index FOLDER'"
            )
        ctx.exit(
            run_load(
                collection,
                lambda: load_of_library(opened),
                index=index,
                only_check=only_check,
                as_json=as_json,
            )
        )


def run_load(
    collection: str, source: Callable[[], Load], *, index: str, only_check: bool, as_json: bool
) -> int:
    """Load or check a collection and print the report; returns the exit status."""
    address = address_of(collection)
    wanted = source()
    with closing(Connection(address)) as connection, ended_by_signals():
        if only_check:
            found = with_bar(checked(connection, wanted), "checking")
            _print_check(found, address.text, as_json=as_json)
            return 0 if found.agrees else NOTHING_MATCHED
        report = with_bar(load(connection, wanted, index=index), "loading")
    _print_report(report, as_json=as_json)
    return 0


def _print_report(report: LoadReport, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    click.echo(
        f"{report.added:,} added, {report.changed:,} changed, {report.unchanged:,} unchanged, "
        f"{report.removed:,} removed; {report.pictures:,} pictures in "
        f"{terminal_safe(report.collection)}"
    )
    click.echo(f"index {report.index}, recall@10 {report.recall:.3f}")


def _print_check(found: Check, collection: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"collection": collection, **asdict(found), "agrees": found.agrees})
        return
    click.echo(
        f"{found.there:,} of {found.expected:,} pictures are in {terminal_safe(collection)}; of "
        f"{found.compared:,} that were compared, {found.differing:,} differ"
    )
    if not found.agrees:
        click.echo("picfuse: run the same command without --check to load the rest", err=True)
