"""`picfuse export`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from indexer.library.library import Library
from search import Answer, Hit, Query, Searcher, SearchOptions, export_records
from search.export.folder import HOW, PlacementReport, check_folder, put_into
from search.export.rows import KINDS, check_suffix
from search.export.tables import FORMATS, format_of
from search.export.writing import Files, check_free
from search.query.options import AUTO
from ui.cli.commands.answering import with_standard_input
from ui.cli.group import NOTHING_MATCHED, json_option, library_options
from ui.cli.options.paths import UserPath
from ui.cli.options.searching import marking_options, mode_option, restricting_options
from ui.cli.options.terms import SearchCommand, literal_option
from ui.cli.output.notes import say_hidden, say_understood
from ui.cli.output.progress import with_bar
from ui.cli.output.text import path_fields, print_json, terminal_safe
from ui.exits import ended_by_signals

HITS = 10  # of a query without -k
_FILE = UserPath(dir_okay=False)


@dataclass(frozen=True, slots=True)
class Selection:
    """The pictures to export, and the answer they come from; None without a query."""

    ids: Sequence[int]
    answer: Answer | None = None

    @classmethod
    def of(cls, answer: Answer, *, everything: bool) -> Selection:
        """The pictures of an answer; doubtful ones only if `everything`."""
        terminal_safe = answer if everything else answer.without_doubtful()
        return cls([hit.picture_id for hit in terminal_safe.hits], answer)

    @property
    def hits(self) -> Mapping[int, Hit] | None:
        """The hits by picture id; None without a query."""
        if self.answer is None:
            return None
        return {hit.picture_id: hit for hit in self.answer.hits}


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  picfuse export --output library.parquet --embeddings library.npy\n"
    '  picfuse export --where "taken: 2021" --output 2021.csv\n'
    "  picfuse export boats at sundown -k 40 --into ~/boats --link symlink",
)
@click.argument("terms", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--output", type=_FILE, help="Write the picture data to this file instead of standard output."
)
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    help="Format of the picture data.  [default: by the suffix of --output, otherwise jsonl]",
)
@click.option(
    "--embeddings",
    type=_FILE,
    help="Write the embeddings to this file (.npy or .parquet), in the same order.",
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="picture",
    show_default=True,
    help="Embeddings to write: of the pictures, of their captions, or fused.",
)
@click.option(
    "--into",
    type=UserPath(file_okay=False),
    help="Put the pictures into this folder.",
)
@click.option(
    "--link",
    type=click.Choice(HOW),
    default="copy",
    show_default=True,
    help="How --into adds pictures. Originals are only read; nothing is overwritten.",
)
@click.option("--into-indexed", is_flag=True, help="Allow --into to use an indexed folder.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.option(
    "-k",
    type=click.IntRange(1),
    help="Maximum number of pictures.  [default: 10 for a query, otherwise all]",
)
@click.option("--all", "everything", is_flag=True, help="Also export doubtful hits.")
@mode_option
@literal_option
@restricting_options
@marking_options
@library_options
@json_option
@click.pass_context
def export(
    ctx: click.Context,
    /,
    terms: tuple[str, ...],
    output: Path | None,
    format: str | None,
    embeddings: Path | None,
    kind: str,
    into: Path | None,
    link: str,
    into_indexed: bool,
    overwrite: bool,
    library: Path,
    offline: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Write the data of all pictures, or of the hits of a query, to a file.

    Terms, --like, --unlike, --tag and --where select pictures as in 'picfuse search'; without them,
    all are exported. Doubtful hits are left out. Files appear only when complete, so Ctrl-C leaves
    nothing half written. In CSV, text that a spreadsheet would take for a formula gets an
    apostrophe before it. Exit status 1 if nothing matched, or a picture for --into cannot be read.
    """
    _check_said(ctx, {"link": into, "into_indexed": into, "kind": embeddings})
    files = _files(output, format, embeddings, kind, into=into, overwrite=overwrite)
    if as_json and files.output is not None and not isinstance(files.output, Path):
        raise click.UsageError("--json reports the files written; name one with --output")
    with Library.open(library, read_only=True, offline=offline) as opened, ended_by_signals():
        if into is not None:
            check_folder(opened, into, indexed_too=into_indexed)
        chosen = _chosen(opened, terms, **asked)
        written = with_bar(export_records(opened, chosen.ids, files, chosen.hits), "exporting")
        placed = _placed(opened, chosen, into, link)
    _report(written, files, placed, as_json=as_json)
    if not as_json:
        _say_left_out(chosen)
    if not written or (placed is not None and placed.failed):
        ctx.exit(NOTHING_MATCHED)


def _check_said(ctx: click.Context, needed: Mapping[str, Path | None]) -> None:
    """Raise `UsageError` for an option without the one it belongs to."""
    for name, file in needed.items():
        if file is None and ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
            what = "--embeddings" if name == "kind" else "--into"
            raise click.UsageError(f"--{name.replace('_', '-')} needs {what}")


def _files(
    output: Path | None,
    format: str | None,
    embeddings: Path | None,
    kind: str,
    *,
    into: Path | None,
    overwrite: bool,
) -> Files:
    """The files to write; records go to standard output if no file or folder is named."""
    if not overwrite:
        check_free(output, embeddings)
    chosen = format_of(output, format)
    if embeddings is not None:
        check_suffix(embeddings)
    if output is not None and embeddings is not None and output.absolute() == embeddings.absolute():
        raise click.UsageError("--output and --embeddings name the same file")
    if output is None and embeddings is None and into is None:
        if chosen == "parquet":
            raise click.UsageError("parquet cannot be printed; name a file with --output")
        return Files(sys.stdout.buffer, chosen)
    return Files(output, chosen, embeddings, kind)


def _chosen(
    library: Library,
    terms: tuple[str, ...],
    *,
    weight: float | None,
    tags: tuple[str, ...],
    where: str | None,
    k: int | None,
    mode: str,
    literal: bool,
    date_order: str,
    everything: bool,
    **marks: tuple[str, ...],
) -> Selection:
    """The hits of a query, the pictures that meet the conditions, or all pictures."""
    if terms or any(marks.values()):
        query = Query((), weight)
        if terms:
            query = with_standard_input(Query.parse(terms, weight=weight, literal=literal))
        options = SearchOptions(
            k=k or HITS,
            tags=tags,
            where=where,
            mode=mode,
            date_order=date_order,
            like=marks["like"],
            unlike=marks["unlike"],
        )
        return Selection.of(Searcher(library).ask(query, options), everything=everything)
    if mode != AUTO:
        raise click.UsageError(f"--mode {mode} needs terms to search for")
    if tags or where is not None:
        ids = Searcher(library).matching_ids(tags=tags, where=where, date_order=date_order)
        return Selection(ids[:k].tolist())
    return Selection(library.catalogue.present()[:k].tolist())


def _placed(
    library: Library, chosen: Selection, into: Path | None, link: str
) -> PlacementReport | None:
    if into is None:
        return None
    pictures = library.catalogue.pictures(chosen.ids)
    paths = [pictures[key].path for key in chosen.ids if key in pictures]
    return with_bar(put_into(paths, into, link), "copying" if link == "copy" else "linking")


def _report(written: int, files: Files, placed: PlacementReport | None, *, as_json: bool) -> None:
    names = [path for path in (files.output, files.embeddings) if isinstance(path, Path)]
    failed = [] if placed is None else placed.failed
    if as_json:
        facts: dict[str, Any] = {"pictures": written, "files": [path_fields(p) for p in names]}
        if placed is not None:
            facts |= {"added": placed.added, "there": placed.there}
            facts["failed"] = [{**path_fields(f.path), "reason": f.reason} for f in failed]
        print_json(facts)
        return
    for name in names:
        click.echo(f"picfuse: {written:,} pictures written to {terminal_safe(str(name))}", err=True)
    if placed is not None:
        there = f", {placed.there:,} already there" if placed.there else ""
        click.echo(f"picfuse: {placed.added:,} pictures added{there}", err=True)
    for failure in failed:
        click.echo(f"picfuse: {terminal_safe(str(failure.path))}: {failure.reason}", err=True)


def _say_left_out(chosen: Selection) -> None:
    """Print that nothing matched, or how many hits are hidden, and how the query was read."""
    if chosen.answer is not None:
        say_hidden(chosen.answer, len(chosen.ids))
        say_understood(chosen.answer)
    elif not chosen.ids:
        click.echo("picfuse: nothing matched", err=True)
