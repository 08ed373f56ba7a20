"""`picfuse index`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer import IndexOptions, IndexReport, Library
from indexer.database import is_vacant
from indexer.encoders import load_encoder
from indexer.errors import InputError
from indexer.folders import existing_folder, usable_caption_file
from indexer.report import TIME_LIMIT
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION
from ui.cli.group import INTERRUPTED, json_option, library_options
from ui.cli.progress import index_with_bar
from ui.cli.text import path_fields, print_json, shown

SHOWN_FAILURES = 20


@click.command(epilog="Example: picfuse index ~/Pictures --exclude 'Screenshots'")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--captions",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A caption file that does not lie with the pictures. May be repeated; kept for later "
    "runs.",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out names or paths like this, as in '*.gif'. May be repeated; kept for later "
    "runs over the same folders until other patterns are named ('' for none).",
)
@click.option("--model", help=f"What encodes a new library.  [default: {DEFAULT_ENCODER}]")
@click.option(
    "--fusion", help=f"How picture and caption become one row.  [default: {DEFAULT_FUSION}]"
)
@click.option("--workers", type=click.IntRange(1), help="Decoding processes.  [default: cores]")
@click.option(
    "--time-limit",
    type=float,
    default=TIME_LIMIT,
    show_default=True,
    help="Seconds for one picture.",
)
@click.option("--max-pixels", type=click.IntRange(1), help="Largest picture that is decoded.")
@library_options
@json_option
@click.pass_context
def index(
    ctx: click.Context,
    folders: tuple[Path, ...],
    captions: tuple[Path, ...],
    exclude: tuple[str, ...],
    model: str | None,
    fusion: str | None,
    workers: int | None,
    time_limit: float,
    max_pixels: int | None,
    library: Path,
    offline: bool,
    as_json: bool,
) -> None:
    """Add FOLDERS of pictures to the library, or bring them up to date.

    Without FOLDERS, all folders of the library are brought up to date. Captions beside the
    pictures are found by themselves. Only what has changed is read again. Exit status 1 when
    some pictures could not be read.
    """
    _check_named(folders, captions)
    options = IndexOptions(captions, exclude, workers, time_limit, max_pixels)
    report = IndexReport()
    with _opened(library, folders, model, fusion, offline) as opened:
        try:
            index_with_bar(opened, folders, options, report)
        except KeyboardInterrupt:
            report.interrupted = True
    _print_report(report, as_json)
    if report.interrupted:
        ctx.exit(INTERRUPTED)
    ctx.exit(1 if report.failed else 0)


def _check_named(folders: tuple[Path, ...], captions: tuple[Path, ...]) -> None:
    """Raise `InputError` for what is not there, before a library is made for it."""
    for folder in folders:
        existing_folder(folder)
    for file in captions:
        usable_caption_file(file)


def _opened(
    path: Path, folders: tuple[Path, ...], model: str | None, fusion: str | None, offline: bool
) -> Library:
    """The library, made when it is new; `InputError` where it cannot be what is asked for."""
    if is_vacant(path):
        if not folders:
            raise InputError("no folder to index: name one, as in 'picfuse index ~/Pictures'")
        return Library.create(
            path, encoder=model or DEFAULT_ENCODER, fusion=fusion or DEFAULT_FUSION, offline=offline
        )
    library = Library.open(path, offline=offline)
    if model and not _is_made_with(library, model):
        library.close()
        raise InputError(
            f"{path}: made with {library.settings.encoder!r}, not {model!r}; "
            "index into a new library: add '--library NEW'"
        )
    if fusion and fusion != library.settings.fusion:
        library.set_fusion(fusion)
    return library


def _is_made_with(library: Library, model: str) -> bool:
    """Whether a name means the library's encoder; one encoder may be written in several ways."""
    settings = library.settings
    if model == settings.encoder:
        return True
    return load_encoder(model, offline=library.offline).fingerprint == settings.fingerprint


def _print_report(report: IndexReport, as_json: bool) -> None:
    for problem in report.problems:
        click.echo(f"picfuse: {shown(str(problem.path))}: {shown(problem.reason)}", err=True)
    for file in report.caption_files:
        if file.unmatched:
            click.echo(
                f"picfuse: {shown(str(file.path))}: {file.unmatched} of {file.rows} captions "
                "belong to no picture here",
                err=True,
            )
    if report.interrupted:
        click.echo("picfuse: interrupted; run the same command to go on", err=True)
    if as_json:
        print_json(report_fields(report))
        return
    for failure in report.failed[:SHOWN_FAILURES]:
        click.echo(f"failed: {shown(str(failure.path))}: {shown(failure.reason)}", err=True)
    if len(report.failed) > SHOWN_FAILURES:
        more = len(report.failed) - SHOWN_FAILURES
        click.echo(f"failed: {more} more; 'picfuse status --failed' lists all", err=True)
    click.echo(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{report.removed} removed, {len(report.failed)} failed "
        f"in {report.elapsed_ms / 1000:.1f} s"
    )


def report_fields(report: IndexReport) -> dict[str, Any]:
    """The report as scripts read it."""
    return {
        "added": report.added,
        "unchanged": report.unchanged,
        "changed": report.changed,
        "removed": report.removed,
        "failed": [{**path_fields(f.path), "reason": f.reason} for f in report.failed],
        "problems": [{**path_fields(p.path), "reason": p.reason} for p in report.problems],
        "caption_files": [
            {**path_fields(c.path), "format": c.format, "rows": c.rows, "unmatched": c.unmatched}
            for c in report.caption_files
        ],
        "interrupted": report.interrupted,
        "elapsed_ms": report.elapsed_ms,
    }
