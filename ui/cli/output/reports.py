"""Messages of an indexing run about files that it could not use."""

from __future__ import annotations

import click

from indexer import IndexReport
from ui.cli.output.text import terminal_safe

SHOWN_FAILURES = 20


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
