"""Reports of indexing: numbers, and messages about files that could not be used."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import click

from indexer import IndexReport
from indexer.captions.caption import Guess
from indexer.catalogue.lookup.captions import RepeatedCaption
from indexer.kinds.suffixes import CAPTION_FILE
from ui.cli.output.text import path_fields, print_json, terminal_safe
from ui.file_kinds import LEFT_OUT, in_order, numbered, subject
from ui.sentences import counted, guess_message, repeated_message

LISTED = "'picfuse status --failed' lists all"
SHOWN_FAILURES = 20
SHOWN_KINDS = 10
SHOWN_REPEATED = 5
Failed: TypeAlias = tuple[Path | str, str]  # and the reason
Table: TypeAlias = tuple[Path | str, str, int, int]  # its format, its rows, and the unmatched ones


def print_report(report: IndexReport, as_json: bool) -> None:
    """Print the report of a run that has ended; its problems in any case, for people."""
    print_problems(report.problems, report.caption_files)
    print_guesses(report.guesses)
    print_repeated(report.repeated)
    print_patterns("--exclude", report.unmatched)
    print_patterns("--include", report.unmatched_includes)
    if report.interrupted:
        click.echo("picfuse: interrupted; run the same command again to continue", err=True)
    if as_json:
        print_json(report_fields(report))
        return
    print_failures(report.failed, len(report.failed), LISTED)
    if report.encoded:
        click.echo(f"{report.encoded} encoded for the new model")
    if report.pruned:
        click.echo(f"{report.pruned} missing pictures deleted from the library")
    click.echo(
        f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
        f"{report.removed} removed, {len(report.failed)} failed "
        f"in {report.elapsed_ms / 1000:.1f} s"
    )
    if report.texts_read:
        click.echo(f"text read in {report.texts_read}, found in {report.texts_found}")
    print_passed_over(report)


def report_fields(report: IndexReport) -> dict[str, Any]:
    """The JSON fields of a report."""
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
        "passed_over": in_order(report.passed_over),
        "unused_captions": [
            {**path_fields(c.path), "reason": c.reason} for c in report.unused_captions
        ],
        "guesses": guess_fields(report.guesses),
        "repeated": [each._asdict() for each in report.repeated],
        "unmatched": report.unmatched,
        "unmatched_includes": report.unmatched_includes,
        "texts_read": report.texts_read,
        "texts_found": report.texts_found,
        "interrupted": report.interrupted,
        "elapsed_ms": report.elapsed_ms,
    }


def print_problems(problems: Iterable[Failed], tables: Iterable[Table]) -> None:
    """Print folders and caption files that could not be read, and captions without a picture."""
    for place, reason in problems:
        click.echo(f"picfuse: {terminal_safe(str(place))}: {terminal_safe(reason)}", err=True)
    for place, _, rows, unmatched in tables:
        if unmatched:
            said = f"{unmatched} of {rows} captions match no picture here"
            click.echo(f"picfuse: {terminal_safe(str(place))}: {said}", err=True)


def print_guesses(guesses: Sequence[Guess]) -> None:
    """Print which caption files were read in a character set that had to be guessed."""
    for guess in guesses:
        said = f"{guess_message(guess)}; if letters are wrong, save as UTF-8"
        click.echo(f"picfuse: {terminal_safe(said)}", err=True)


def guess_fields(guesses: Sequence[Guess]) -> list[dict[str, Any]]:
    """The JSON fields of guessed character sets; the path is that of the first file."""
    return [
        {"character_set": each.character_set, "files": each.files, **path_fields(each.first)}
        for each in guesses
    ]


def print_repeated(repeated: Sequence[RepeatedCaption]) -> None:
    """Print texts that stand on so many pictures that they are probably no captions."""
    for each in repeated[:SHOWN_REPEATED]:
        option = shlex.quote(each.text)
        said = f"{repeated_message(each)}; if it says nothing: picfuse index --filler {option}"
        click.echo(f"picfuse: {terminal_safe(said)}", err=True)


def print_failures(failed: Sequence[Failed], count: int, listed: str) -> None:
    """Print pictures that could not be read, `count` in all: the first few by name.

    `listed` says where all of them can be found.
    """
    for place, reason in failed[:SHOWN_FAILURES]:
        click.echo(f"failed: {terminal_safe(str(place))}: {terminal_safe(reason)}", err=True)
    if count > SHOWN_FAILURES:
        click.echo(f"failed: {count - SHOWN_FAILURES} more; {listed}", err=True)


def print_patterns(option: str, unmatched: Sequence[str]) -> None:
    """Print the patterns of an option that left nothing out, or brought nothing back."""
    for pattern in unmatched:
        click.echo(
            f"picfuse: {option} '{terminal_safe(pattern)}' matches nothing; it follows "
            ".gitignore: capital letters count, and a path begins at the indexed folder",
            err=True,
        )


def print_passed_over(report: IndexReport) -> None:
    """Print how many files and folders were not indexed, by kind, the most frequent first."""
    counts = report.passed_over
    if not counts:
        return
    kinds = list(in_order(counts).items())
    shown = [_counted(kind, number, report) for kind, number in kinds[:SHOWN_KINDS]]
    more = f", {len(counts) - SHOWN_KINDS} more kinds" if len(counts) > SHOWN_KINDS else ""
    text = f"picfuse: {subject(counts)} not indexed: {', '.join(shown)}{more}"
    back = ", --include brings folders back" if LEFT_OUT & set(counts) else ""
    click.echo(f"{text}; 'picfuse status --skipped' lists all{back}", err=True)
    for extra, number in report.undecoded.items():
        command = f"pip install 'picfuse[{extra}]'"
        click.echo(
            f"picfuse: to index {counted(number)} more: {command}, then index again", err=True
        )


def _counted(kind: str, number: int, report: IndexReport) -> str:
    """A kind with its number; the first of the caption files is named with what is wrong."""
    text = terminal_safe(numbered(kind, number))
    if kind == CAPTION_FILE and report.unused_captions:
        first = report.unused_captions[0]
        more = "; …" if number > 1 else ""
        text += f" ({terminal_safe(first.path.name)}: {terminal_safe(first.reason)}{more})"
    return text
