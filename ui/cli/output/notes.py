"""Notes on standard error: how a query was read, and which hits are hidden."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import click

from search.query.examples import Example
from ui.cli.output.text import terminal_safe
from ui.sentences import (
    left_out_message,
    reading_message,
    unknown_words_message,
    unread_message,
)

if TYPE_CHECKING:
    from search import Answer, Query

_SAFE = re.compile(r"[\w\s.,:+=@/-]*")  # means the same to a shell without quotes


def say_readings(query: Query | None) -> None:
    """Print how words of a query were read that could have meant something else."""
    for reading in query.readings if query else ():
        said = reading_message(reading, "--literal takes words as they are")
        click.echo(f"picfuse: {terminal_safe(said)}", err=True)


def say_recalled(query: Query, answer: Answer) -> None:
    """Print which pictures of the library stand for files that are not there."""
    if any(hit.found_by == "name" for hit in answer.hits):
        name = terminal_safe(str(query.terms[0].picture))
        click.echo(f"picfuse: no file {name!r} here; pictures of that name:", err=True)
    for asked, known in zip(query.terms, answer.query.terms, strict=False):
        if isinstance(asked.picture, str) and isinstance(known.picture, Example):
            name, path = terminal_safe(asked.picture), terminal_safe(str(known.picture.path))
            click.echo(f"picfuse: no file {name!r} here; the library knows {path}", err=True)


def say_understood(answer: Answer) -> None:
    """Print how the query was read, what of it was not, and the query that may be meant."""
    say_readings(answer.query)
    for text in answer.left_out:
        click.echo(f"picfuse: {terminal_safe(left_out_message(text))}", err=True)
    if answer.suggestion:
        typed = answer.suggestion
        typed = typed if _SAFE.fullmatch(typed) else shlex.quote(typed)
        click.echo(f"picfuse: did you mean: {terminal_safe(typed)}", err=True)


def say_hidden(answer: Answer, shown: int, offset: int = 0) -> None:
    """Print how many hits are hidden, and how to show them."""
    hidden = len(answer.hits) - shown
    sure = [hit.confidence for hit in answer.hits if hit.confidence is not None]
    unknown = terminal_safe(unknown_words_message(answer.unknown))
    if answer.unread_by is not None:
        click.echo(f"picfuse: {unread_message(answer.unread_by)}", err=True)
    if hidden and not shown and not sure:
        guesses = "the best guess" if hidden == 1 else f"the {hidden} best guesses"
        click.echo(f"picfuse: nothing matched: {unknown} (--all shows {guesses})", err=True)
        return
    if answer.unknown:
        click.echo(f"picfuse: {unknown}", err=True)
    if not answer.hits:
        what = "nothing matched" if not offset else "no more hits"
        click.echo(f"picfuse: {what}", err=True)
    elif not shown:
        best = max(sure)
        click.echo(
            f"picfuse: nothing matched (the best guess is {best:.0%} likely to be right; --all "
            f"shows {'it' if hidden == 1 else f'the {hidden} best'})",
            err=True,
        )
    elif hidden:
        hits, them = ("hit is", "it") if hidden == 1 else ("hits are", "them")
        click.echo(f"picfuse: {hidden} doubtful {hits} hidden; --all shows {them}", err=True)
