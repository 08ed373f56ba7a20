"""`picfuse merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer.shards.merging import MergeReport, library_for, merging, opened_sources
from ui.cli.group import json_option, library_options
from ui.cli.options.paths import UserText
from ui.cli.output.progress import run_with_bar
from ui.cli.output.text import path_fields, print_json, terminal_safe
from ui.exits import exit_status


@click.command(epilog="Example: picfuse merge /media/disk/library ~/other --library ~/all")
@click.argument("sources", nargs=-1, required=True, type=UserText())
@library_options
@json_option
@click.pass_context
def merge(
    ctx: click.Context, sources: tuple[str, ...], library: Path, offline: bool, as_json: bool
) -> None:
    """Add everything in the SOURCES to the library, without reading or encoding a picture.

    SOURCES are other libraries, and stores made by 'picfuse cluster encode' (folders or URIs). They
    must use the library's model, and are never changed. A new library gets the settings of the
    first source. If several have the same picture, the version that changed last stays. Merging
    again adds only what is new. Exit status 1 if a part of a source is damaged.
    """
    report, status = _run(sources, library, offline)
    _print(report, library, as_json)
    ctx.exit(status)


def _run(places: tuple[str, ...], path: Path, offline: bool) -> tuple[MergeReport, int]:
    report = MergeReport()
    with (
        opened_sources(places, path) as sources,
        library_for(path, sources, offline=offline) as library,
    ):
        try:
            run_with_bar(merging(library, sources, report), "opening the libraries", "merging")
        except KeyboardInterrupt as error:
            return report, exit_status(error)
    return report, 0 if report.complete else 1


def _print(report: MergeReport, library: Path, as_json: bool) -> None:
    for problem in report.problems:
        click.echo(f"picfuse: {terminal_safe(problem.reason)}", err=True)
    if report.interrupted:
        click.echo("picfuse: interrupted; run the same command again to continue", err=True)
    if as_json:
        print_json(_fields(report, library))
        return
    for each in report.renamed:
        said = f"the {each.what} {each.name!r} is now {each.new!r}, because the name was in use"
        click.echo(terminal_safe(said))
    for source in report.sources:
        numbers = ", ".join(f"{n} {what}" for what, n in source.pictures._asdict().items())
        click.echo(f"{terminal_safe(source.place)}: {numbers}")
    click.echo(f"merged into {terminal_safe(str(library))} in {report.elapsed_ms / 1000:.1f} s")


def _fields(report: MergeReport, library: Path) -> dict[str, Any]:
    """The JSON fields of a report."""
    return {
        "library": path_fields(library)["path"],
        **report.pictures._asdict(),
        "sources": [
            {"place": each.place, "kind": each.kind, **each.pictures._asdict()}
            for each in report.sources
        ],
        "thumbnails": report.thumbnails,
        "renamed": [each._asdict() for each in report.renamed],
        "problems": [each._asdict() for each in report.problems],
        "interrupted": report.interrupted,
        "elapsed_ms": report.elapsed_ms,
    }
