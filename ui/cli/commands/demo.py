"""`picfuse demo`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click

from indexer import Library, index_folder
from indexer.catalogue.values import text_hash
from indexer.library.directory import is_vacant
from indexer.locations import cache_directory, sample_folder
from search import Query, Searcher
from ui.cli.group import offline_option
from ui.cli.options.paths import UserPath
from ui.cli.output.text import print_hits, terminal_safe

WORDS = "a boat on calm water"
PICTURE = "brown-horses.jpg"
BOTH = ("snow", "mountain-path.jpg")


def own_library(sample: Path) -> Path:
    """Directory of the demo's library: in the cache, one for each installation."""
    return cache_directory() / "demo" / text_hash(str(sample)).hex()[:12]


@click.command(epilog="Example: picfuse demo")
@click.option(
    "--library",
    type=UserPath(),
    default=lambda: own_library(sample_folder()),
    help="Directory of the demo's own library. Default: one in your cache directory.",
)
@offline_option
def demo(library: Path, offline: bool) -> None:
    """Index the sample photographs and search them by words, by a picture, and by both."""
    sample = sample_folder()
    click.echo(f"Indexing the sample photographs in {terminal_safe(str(sample))}")
    with _opened(library, offline) as opened:
        report = index_folder(opened, sample)
        click.echo(
            f"{report.added} added, {report.unchanged} unchanged, {len(report.failed)} failed "
            f"in {report.elapsed_ms / 1000:.1f} s"
        )
        searcher = Searcher(opened)
        for line, query in _queries(sample):
            click.echo(f"\n$ picfuse search {terminal_safe(line)} -k 3")
            print_hits(searcher.search(query, k=3).without_doubtful().hits)
    click.echo("\nThe same in the browser:")
    path = shlex.quote(str(library.absolute()))
    click.echo(f"  {terminal_safe(_command())} ui --library {terminal_safe(path)}")


def _command() -> str:
    """The command that starts picfuse in this shell: its name, or its path if not on PATH."""
    running = Path(sys.argv[0])
    if shutil.which("picfuse") or running.name != "picfuse":
        return "picfuse"
    return shlex.quote(str(running))


def _opened(path: Path, offline: bool) -> Library:
    opener = Library.create if is_vacant(path) else Library.open
    return opener(path, offline=offline)


def _queries(sample: Path) -> list[tuple[str, Query]]:
    """Three queries as they are typed: words, a picture, both."""
    picture, base = str(sample / PICTURE), str(sample / BOTH[1])
    typed = (shlex.split(WORDS), [picture], [BOTH[0], "+", base])
    return [(shlex.join(words), Query.parse(words)) for words in typed]
