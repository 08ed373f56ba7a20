"""`picfuse index`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from indexer import IndexOptions, IndexReport, Library, indexing
from indexer.encoders import load_encoder
from indexer.errors import InputError
from indexer.fusion import open_fusion
from indexer.library.directory import is_vacant
from indexer.locations import cache_directory
from indexer.pictures.limits import TIME_LIMIT
from indexer.pipeline.folders import existing_folder, usable_caption_file
from indexer.pipeline.tagging import named_heads
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION, DEFAULT_WEIGHT
from indexer.tag_head import read_tag_head
from ui.cli.group import json_option, library_options
from ui.cli.options.precision import model_for, precision_option
from ui.cli.output.progress import index_with_bar
from ui.cli.output.reports import print_failures, print_problems
from ui.cli.output.text import path_fields, print_json
from ui.exits import exit_status


@click.command(epilog="Example: picfuse index ~/Pictures --exclude 'Screenshots'")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--captions",
    multiple=True,
    metavar="FILE",
    help="A caption file that does not lie with the pictures. May be repeated; kept for later "
    "runs over the same folders until other files are named ('' for none).",
)
@click.option(
    "--exclude",
    multiple=True,
    metavar="PATTERN",
    help="Leave out names or paths like this, as in '*.gif'. May be repeated; kept for later "
    "runs over the same folders until other patterns are named ('' for none).",
)
@click.option(
    "--model",
    help="What encodes. Another one than the library's is built up beside it, and takes its place "
    f"when it is complete.  [default for a new library: {DEFAULT_ENCODER}]",
)
@precision_option(ends="[default: that of the library; for a new one: auto]")
@click.option(
    "--fusion",
    help="How picture and caption become one row; changed without encoding anything again.  "
    f"[default for a new library: {DEFAULT_FUSION}]",
)
@click.option(
    "--weight",
    type=click.FloatRange(0, 1),
    help="What searches weigh the picture against its caption with that name no --weight; kept.  "
    f"[default for a new library: {DEFAULT_WEIGHT}]",
)
@click.option(
    "--tags",
    multiple=True,
    metavar="FILE",
    help="A tag head of 'picfuse train tags': its copy in the library tags all pictures, new and "
    "changed ones too. May be repeated; holds until other heads are named ('' for none).",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Delete what is known of missing pictures; else it is kept, since an unplugged disk is "
    "not a deletion.",
)
@click.option("--workers", type=click.IntRange(1), help="Decoding processes.  [default: cores]")
@click.option(
    "--time-limit",
    type=click.FloatRange(min=0, min_open=True),
    help="Seconds for one picture; where it is named, those that failed before are tried again.  "
    f"[default: {TIME_LIMIT:g}]",
)
@click.option("--max-pixels", type=click.IntRange(1), help="Largest picture that is decoded.")
@library_options
@json_option
@click.pass_context
def index(
    ctx: click.Context,
    folders: tuple[Path, ...],
    captions: tuple[str, ...],
    exclude: tuple[str, ...],
    model: str | None,
    precision: str | None,
    fusion: str | None,
    weight: float | None,
    tags: tuple[str, ...],
    prune: bool,
    workers: int | None,
    time_limit: float | None,
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
    files = named_files(captions)
    check_named(folders, files or ())
    for file in filter(None, tags):
        read_tag_head(Path(file))
    check_begun(library, folders)
    options = IndexOptions(
        files,
        exclude,
        workers,
        time_limit,
        max_pixels,
        model=model_for(library, model, precision),
        fusion=fusion,
        weight=weight,
        tags=named_files(tags),
        prune=prune,
    )
    status = 0
    with open_or_create(library, options, offline) as opened:
        run = indexing(opened, *folders, options=options)
        report = run.report
        try:
            index_with_bar(run)
        except KeyboardInterrupt as error:
            report.interrupted, status = True, exit_status(error)
    _print_report(report, as_json)
    ctx.exit(status or (1 if report.failed else 0))


def named_files(names: Sequence[str]) -> list[Path] | None:
    """The files that are named, of which '' is none; None where nothing is said of them."""
    return [Path(name) for name in names if name] if names else None


def check_named(folders: Sequence[Path], captions: Sequence[Path]) -> None:
    """Raise `InputError` for what is not there, before a library is made for it."""
    for folder in folders:
        existing_folder(folder)
    for file in captions:
        usable_caption_file(file)


def check_begun(path: Path, folders: tuple[Path, ...]) -> None:
    """Raise `InputError` when nothing is named for a new library."""
    if not folders and is_vacant(path):
        raise InputError("no folder to index: name one, as in 'picfuse index ~/Pictures'")


def open_or_create(path: Path, options: IndexOptions, offline: bool) -> Library:
    """The library, made when it is new."""
    if not is_vacant(path):
        return Library.open(path, offline=offline)
    _check_heads(options, offline)
    encoder, fusion = options.model or DEFAULT_ENCODER, options.fusion or DEFAULT_FUSION
    if options.weight is not None:
        open_fusion(fusion).check_weight(options.weight)
    return Library.create(path, encoder=encoder, fusion=fusion, offline=offline)


def _check_heads(options: IndexOptions, offline: bool) -> None:
    """Raise `InputError` for tag heads of another encoder, before a library is made for them."""
    if options.tags:
        name = options.model or DEFAULT_ENCODER
        encoder = load_encoder(name, cache=cache_directory(), offline=offline)
        named_heads(options.tags, encoder.fingerprint, encoder.name)


def _print_report(report: IndexReport, as_json: bool) -> None:
    print_problems(report)
    if report.interrupted:
        click.echo("picfuse: interrupted; run the same command to go on", err=True)
    if as_json:
        print_json(report_fields(report))
        return
    print_failures(report)
    if report.encoded:
        click.echo(f"{report.encoded} encoded for the other model")
    if report.pruned:
        click.echo(f"{report.pruned} missing pictures deleted from the library")
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
        "pruned": report.pruned,
        "encoded": report.encoded,
        "failed": [{**path_fields(f.path), "reason": f.reason} for f in report.failed],
        "problems": [{**path_fields(p.path), "reason": p.reason} for p in report.problems],
        "caption_files": [
            {**path_fields(c.path), "format": c.format, "rows": c.rows, "unmatched": c.unmatched}
            for c in report.caption_files
        ],
        "interrupted": report.interrupted,
        "elapsed_ms": report.elapsed_ms,
    }
