"""`picfuse watch`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from pathlib import Path

import click

from indexer import IndexOptions, Progress
from indexer.settings import DEFAULT_ENCODER
from indexer.watching.events import (
    FolderBack,
    FolderGone,
    IndexRun,
    PollingInstead,
    Trouble,
    WatchEvent,
    Watching,
    WatchOptions,
)
from indexer.watching.watcher import watch as watch_folders
from ui.cli.commands.index import check_begun, check_named, open_or_create
from ui.cli.group import library_options
from ui.cli.options.indexing import workers_option
from ui.cli.options.paths import UserPath, UserText
from ui.cli.options.precision import model_for
from ui.cli.output.progress import Show, bar
from ui.cli.output.reports import LISTED, print_failures, print_problems, report_fields
from ui.cli.output.text import print_json, terminal_safe
from ui.exits import ended_by_signals


@click.command(epilog="Example: picfuse watch ~/Pictures")
@click.argument("folders", nargs=-1, type=UserPath())
@click.option(
    "--model",
    type=UserText(),
    help="The encoder; see 'picfuse index --help'.  "
    f"[default for a new library: {DEFAULT_ENCODER}]",
)
@workers_option
@click.option(
    "--settle",
    type=click.FloatRange(0),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Index a folder once nothing has changed in it for this long.",
)
@click.option(
    "--patience",
    type=click.FloatRange(0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Index a folder after this long even if it keeps changing.",
)
@click.option(
    "--poll",
    type=click.FloatRange(0.1),
    metavar="SECONDS",
    help="Check the folders at this interval instead of waiting for notifications, which network "
    "file systems do not send.",
)
@click.option(
    "--every",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    metavar="MINUTES",
    help="Also check everything at this interval, for changes that were missed; 0 for never.",
)
@library_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per run.")
@click.pass_context
def watch(
    ctx: click.Context,
    folders: tuple[Path, ...],
    model: str | None,
    workers: int | None,
    settle: float,
    patience: float,
    poll: float | None,
    every: float,
    library: Path,
    offline: bool,
    as_json: bool,
) -> None:
    """Keep the library up to date while pictures and captions in FOLDERS change.

    FOLDERS are added to the library; without any, all its folders are watched. Runs until Ctrl-C,
    even if a disk is unplugged or another picfuse is writing. Changes behind links to other folders
    are noticed only by the check of --every.
    """
    check_named(folders, ())
    check_begun(library, folders)
    timing = WatchOptions(settle, patience, poll, 60 * every)
    options = IndexOptions(workers=workers, model=model_for(library, model, None))
    with (
        open_or_create(library, options, offline) as opened,
        ended_by_signals(patient=True) as ending,
    ):
        events = watch_folders(opened, folders, options, timing=timing, stop=ending.is_asked_for)
        with closing(events):
            for event in _with_bars(events):
                _say(event, as_json)
    ctx.exit(ending.status)


def _with_bars(events: Iterable[WatchEvent]) -> Iterator[WatchEvent]:
    """The events except progress, which is shown as a bar."""
    with ExitStack() as shown_bar:
        show: Show | None = None
        for event in events:
            if not isinstance(event, Progress):
                shown_bar.close()
                show = None
                yield event
            elif event.total:
                show = show or shown_bar.enter_context(bar("indexing"))
                show(event)


def _say(event: WatchEvent, as_json: bool) -> None:
    now = datetime.now().astimezone()
    if isinstance(event, IndexRun):
        _say_run(event, now, as_json)
        return
    said = _words(event)
    if said:
        click.echo(f"picfuse: {now:%H:%M:%S}  {terminal_safe(said)}", err=True)


def _words(event: WatchEvent) -> str:
    """An event as a line of text; empty if it needs none."""
    match event:
        case Watching(folders):
            number = "1 folder" if len(folders) == 1 else f"{len(folders)} folders"
            return f"watching {number}; Ctrl-C stops it"
        case Trouble(message, pause):
            return f"{message} (trying again in {pause:g} s, then less often)"
        case FolderGone(folder, reason):
            return f"{folder}: {reason}; waiting for it to come back"
        case FolderBack(folder):
            return f"{folder}: back again"
        case PollingInstead(message, seconds):
            return f"{message}; checking the folders every {seconds:g} s until then"
    return ""


def _say_run(run: IndexRun, now: datetime, as_json: bool) -> None:
    print_problems(run.news.problems, run.news.caption_files)
    if as_json:
        print_json({"time": now.isoformat(timespec="seconds"), **report_fields(run.report)})
        return
    print_failures(run.news.failed, len(run.news.failed), LISTED)
    numbers = {
        "added": run.report.added,
        "changed": run.report.changed,
        "removed": run.report.removed,
        "failed": len(run.news.failed),
        "with text": run.report.texts_found,
    }
    if any(numbers.values()):
        counted = ", ".join(f"{number} {what}" for what, number in numbers.items() if number)
        click.echo(f"{now:%H:%M:%S}  {counted}")
