"""Messages of an indexing run about files that it could not use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from indexer import IndexReport
from ui.cli.output.text import terminal_safe

SHOWN_FAILURES = 20
SHOWN_SUFFIXES = 6


def print_problems(report: IndexReport) -> None:
    """Print folders and caption files that could not be read, and captions without a picture."""
    for problem in report.problems:
        click.echo(
            f"picfuse: {terminal_safe(str(problem.path))}: {terminal_safe(problem.reason)}",
            err=True,
        )
    for file in report.caption_files:
        if file.unmatched:
            click.echo(
                f"picfuse: {terminal_safe(str(file.path))}: {file.unmatched} of {file.rows} "
                "captions match no picture here",
                err=True,
            )


def print_failures(report: IndexReport) -> None:
    """Print the pictures that could not be read: the first few by name."""
    for failure in report.failed[:SHOWN_FAILURES]:
        click.echo(
            f"failed: {terminal_safe(str(failure.path))}: {terminal_safe(failure.reason)}", err=True
        )
    if len(report.failed) > SHOWN_FAILURES:
        more = len(report.failed) - SHOWN_FAILURES
        click.echo(f"failed: {more} more; 'picfuse status --failed' lists all", err=True)


def print_patterns(unmatched: Sequence[str]) -> None:
    """Print the patterns that left nothing out."""
    for pattern in unmatched:
        click.echo(
            f"picfuse: --exclude '{terminal_safe(pattern)}' matches nothing; it follows "
            ".gitignore: capital letters count, and a path begins at the indexed folder",
            err=True,
        )


def print_passed_over(counts: Counter[str]) -> None:
    """Print how many files were no pictures, by suffix, the most frequent first."""
    if not counts:
        return
    shown = [
        f"{number:,} {terminal_safe(suffix) or 'without a suffix'}"
        for suffix, number in counts.most_common(SHOWN_SUFFIXES)
    ]
    more = ", …" if len(counts) > SHOWN_SUFFIXES else ""
    files = "1 file was" if counts.total() == 1 else f"{counts.total():,} files were"
    click.echo(f"picfuse: {files} not indexed: {', '.join(shown)}{more}", err=True)
