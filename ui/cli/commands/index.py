"""`picfuse index`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from indexer import IndexOptions, IndexReport, Library, indexing
from indexer.catalogue.database import FILE
from indexer.encoders import load_encoder
from indexer.errors import InputError, LibraryError
from indexer.fusion import open_fusion
from indexer.library.directory import is_file, is_vacant
from indexer.locations import cache_directory
from indexer.pipeline.folders import existing_folder, usable_caption_file
from indexer.pipeline.tagging import named_heads
from indexer.recognition.models import check_installed
from indexer.settings import DEFAULT_ENCODER, DEFAULT_FUSION, DEFAULT_WEIGHT
from indexer.tag_head import read_tag_head
from ui.cli.group import json_option, library_options
from ui.cli.options.limits import limit_options
from ui.cli.options.paths import UserPath, UserText
from ui.cli.options.precision import model_for, precision_option
from ui.cli.output.models import say_cost, say_stronger
from ui.cli.output.progress import index_with_bar
from ui.cli.output.reports import print_report
from ui.exits import exit_status


@click.command(epilog="Example: picfuse index ~/Pictures --exclude 'Screenshots'")
@click.argument("folders", nargs=-1, type=UserPath())
@click.option(
    "--captions",
    type=UserPath(clears=True),
    multiple=True,
    metavar="FILE",
    help="A caption file outside the folders. May be repeated. Remembered for later runs over the "
    "same folders until you give others ('' for none).",
)
@click.option(
    "--columns",
    type=UserText(),
    metavar="COLUMNS",
    help="The columns of the files named by --captions, if their headers do not tell: "
    "file=NAME,caption=NAME. A number counts from 1; 'caption=' may be repeated.",
)
@click.option(
    "--filler",
    "fillers",
    type=UserText(),
    multiple=True,
    metavar="TEXT",
    help="A text that is no caption, such as one that a camera writes into every picture. May be "
    "repeated. Remembered until you give others ('' for none).",
)
@click.option(
    "--exclude",
    type=UserText(),
    multiple=True,
    metavar="PATTERN",
    help="Skip files and folders like this, with the rules of .gitignore: '*.gif', 'drafts/', "
    "'/2019/raw', '!keep.gif'. May be repeated. Remembered for later runs over the same folders "
    "until you give others ('' for none).",
)
@click.option(
    "--include",
    type=UserText(),
    multiple=True,
    metavar="PATTERN",
    help="Index files and folders like this although they are left out: recycle bins, snapshots, "
    "previews of other programs, hidden names, and folders with a file .nomedia ('.' is the folder "
    "itself). May be repeated. Remembered as with --exclude.",
)
@click.option(
    "--model",
    type=UserText(),
    help="The encoder. If it differs from the library's, new embeddings are built alongside the "
    "old ones and take over once complete.  "
    f"[default for a new library: {DEFAULT_ENCODER}]",
)
@precision_option(ends="[default: the library's; auto for a new one]")
@click.option(
    "--fusion",
    type=UserText(),
    help="How picture and caption are combined. Changing it encodes nothing again.  "
    f"[default for a new library: {DEFAULT_FUSION}]",
)
@click.option(
    "--weight",
    type=click.FloatRange(0, 1),
    help="Weight of the picture in searches without --weight: 1 ranks by the picture alone, 0 by "
    "its caption alone. Stored in the library.  "
    f"[default for a new library: {DEFAULT_WEIGHT}]",
)
@click.option(
    "--tags",
    type=UserPath(clears=True),
    multiple=True,
    metavar="FILE",
    help="A tag head of 'picfuse train tags'. It is copied into the library and tags all pictures, "
    "future ones too. May be repeated. Kept until you give others ('' for none).",
)
@click.option(
    "--text/--no-text",
    default=None,
    help="Read the text in pictures too, once they are indexed, so that it can be searched; needs "
    "'picfuse[ocr]'. Kept for later runs until --no-text; what was read stays.",
)
@click.option(
    "--prune",
    is_flag=True,
    help="Delete the records of missing pictures. By default they are kept: an unplugged disk is "
    "not a deletion.",
)
@click.option(
    "--verify",
    is_flag=True,
    help="Read every file again, for changes that keep its size and time. An interrupted run goes "
    "on where it was.",
)
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Number of decoding processes.  [default: one per core]",
)
@limit_options(" If given, failed pictures are tried again.")
@library_options
@json_option
@click.pass_context
def index(
    ctx: click.Context,
    folders: tuple[Path, ...],
    captions: tuple[Path | None, ...],
    columns: str | None,
    fillers: tuple[str, ...],
    exclude: tuple[str, ...],
    include: tuple[str, ...],
    model: str | None,
    precision: str | None,
    fusion: str | None,
    weight: float | None,
    tags: tuple[Path | None, ...],
    text: bool | None,
    prune: bool,
    verify: bool,
    workers: int | None,
    time_limit: float | None,
    max_pixels: int | None,
    memory_limit: int | None,
    library: Path,
    offline: bool,
    as_json: bool,
) -> None:
    """Add FOLDERS of pictures to the library, or update them.

    Without FOLDERS, updates all folders of the library. Captions beside the pictures are found
    automatically. Only files that have changed are read again. What is not indexed is counted by
    kind. Exit status 1 if some pictures or folders could not be read.
    """
    files = named_files(captions)
    check_named(folders, files or (), columns)
    for file in filter(None, tags):
        read_tag_head(file)
    check_begun(library, folders)
    if text:
        check_installed()
    model = model_for(library, model, precision)
    if not offline:
        say_cost(model, library)
    options = IndexOptions(
        files,
        exclude,
        workers,
        time_limit,
        max_pixels,
        memory_limit,
        model=model,
        fusion=fusion,
        weight=weight,
        tags=named_files(tags),
        prune=prune,
        verify=verify,
        include=include,
        text=text,
        columns=columns,
        fillers=fillers or None,
    )
    report, status = _run(library, folders, options, offline)
    print_report(report, as_json)
    if not (offline or as_json or report.interrupted):
        say_stronger(library)
    ctx.exit(status)


def _run(
    library: Path, folders: tuple[Path, ...], options: IndexOptions, offline: bool
) -> tuple[IndexReport, int]:
    """Index the folders; the report of the run, finished or interrupted, and its exit status."""
    with open_or_create(library, options, offline) as opened:
        run = indexing(opened, *folders, options=options)
        try:
            index_with_bar(run)
        except KeyboardInterrupt as error:
            run.report.interrupted = True
            return run.report, exit_status(error)
    return run.report, 0 if run.report.complete else 1


def named_files(names: Sequence[Path | None]) -> list[Path] | None:
    """The named files, none for ''; None if the option is not given."""
    return [name for name in names if name is not None] if names else None


def check_named(
    folders: Sequence[Path], captions: Sequence[Path], columns: str | None = None
) -> None:
    """Raise `InputError` for missing folders or files, before a library is made for them."""
    if columns and not captions:
        raise InputError("--columns needs --captions: name the file that has these columns")
    for folder in folders:
        existing_folder(folder)
    for file in captions:
        usable_caption_file(file, columns)


def check_begun(path: Path, folders: tuple[Path, ...]) -> None:
    """Raise `InputError` if no folder is named for a new library."""
    if not folders and is_vacant(path):
        raise InputError("no folder to index: name one, as in 'picfuse index ~/Pictures'")


def open_or_create(path: Path, options: IndexOptions, offline: bool) -> Library:
    """The library, created if it is new."""
    if not is_vacant(path):
        return Library.open(path, offline=offline)
    _check_heads(options, offline)
    encoder, fusion = options.model or DEFAULT_ENCODER, options.fusion or DEFAULT_FUSION
    if options.weight is not None:
        open_fusion(fusion).check_weight(options.weight)
    try:
        return Library.create(path, encoder=encoder, fusion=fusion, offline=offline)
    except LibraryError:
        if is_vacant(path) or not is_file(path / FILE):
            raise
        return Library.open(path, offline=offline)  # another picfuse has made it meanwhile


def _check_heads(options: IndexOptions, offline: bool) -> None:
    """Raise `InputError` for tag heads of another encoder, before a library is made for them."""
    if options.tags:
        name = options.model or DEFAULT_ENCODER
        encoder = load_encoder(name, cache=cache_directory(), offline=offline)
        named_heads(options.tags, encoder.fingerprint, encoder.name)
