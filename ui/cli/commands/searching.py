"""`picfuse search` and `picfuse similar`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from indexer.errors import PlacedError, QueryError
from indexer.library.library import Library
from search import Answer, Query, Searcher
from search.query.examples import Example
from search.query.options import AUTO
from search.query.recalling import recalled
from search.query.terms import SIGNS, STDIN
from ui.cli.group import NOTHING_MATCHED
from ui.cli.options.searching import mode_option, paged, search_options
from ui.cli.output.text import print_answer
from ui.cli.output.text import terminal_safe as shown_text
from ui.sentences import unknown_words_message, unread_message

_GLUED = re.compile(r"-[^\W\d_]{2}.*", re.DOTALL)  # "-house" is not "-h" with a value


class SearchCommand(click.Command):
    """A command whose terms may contain '-', which may lack its space by mistake.

    Click passes unknown options on as terms; here they are errors.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments. Raises `PlacedError` for a '-' without a space after it."""
        terms = args[: args.index("--")] if "--" in args else args
        known = {name for option in self.get_params(ctx) for name in option.opts}
        for number, word in enumerate(terms):
            if word.startswith("--") and word.partition("=")[0] not in known:
                raise click.NoSuchOption(word, ctx=ctx)
            if _GLUED.fullmatch(word):
                problem = f"{word!r}: put a space after the sign, as in '- {word[1:]}'"
                place = len(" ".join([*terms[:number], ""]))
                raise PlacedError(problem, " ".join(terms), place)
        return super().parse_args(ctx, args)


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  picfuse search a dog in the snow\n"
    "  picfuse search golden retriever + ./pool.jpg - 2:fruit\n"
    "  picfuse search on the beach --tag joyful\n"
    "  picfuse search a dog --like ./ours.jpg --unlike ./theirs.jpg\n"
    '  picfuse search a black dog --where "taken: last winter and has: place"',
)
@click.argument("terms", nargs=-1, type=click.UNPROCESSED)
@mode_option
@search_options
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also show doubtful hits.",
)
@click.pass_context
def search(
    ctx: click.Context, /, terms: tuple[str, ...], weight: float | None, **options: Any
) -> None:
    """Find pictures by words, by a picture, or by both.

    A '+' or '-' with spaces around it adds or subtracts a term; 'N:' before a term sets its weight.
    A term may be the path or URL of a picture, or '@-' to read one from standard input. --like and
    --unlike refine the search by right and wrong hits. With --tag and no term, lists the pictures
    most likely to have the tag; with only --where, the newest that match.

    Pictures named in the query are not among its hits, and near-duplicates form one hit. The
    percentage after the score says how likely a hit is right; doubtful hits are hidden. Exit status
    1 if nothing matched.
    """
    _answer(ctx, query_of(terms, weight, options), **options)


def query_of(
    terms: tuple[str, ...], weight: float | None, options: Mapping[str, Any]
) -> Query | None:
    """The query of a command's terms; None if only tags or conditions are given.

    With only --like and --unlike, it has no terms.
    """
    if terms:
        return with_standard_input(Query.parse(terms, weight=weight))
    if options["like"] or options["unlike"]:
        return Query((), weight)
    return None if options["tags"] or options["where"] is not None else Query.parse(())


@click.command(epilog="Example: picfuse similar ./holiday.jpg -k 5")
@click.argument("picture")
@search_options
@click.pass_context
def similar(ctx: click.Context, /, picture: str, weight: float | None, **options: Any) -> None:
    """Find pictures similar to PICTURE: a path, a URL, or '@-' for standard input.

    A picture of the library also by its name, or by its path while its disk is away.
    """
    _answer(
        ctx,
        with_standard_input(Query.of(picture=picture, weight=weight)),
        to_recall=True,
        **options,
    )


def _answer(
    ctx: click.Context,
    query: Query | None,
    *,
    tags: tuple[str, ...],
    where: str | None,
    explain: bool,
    like: tuple[str, ...],
    unlike: tuple[str, ...],
    mode: str = AUTO,
    library: Path,
    offline: bool,
    as_json: bool,
    as_jsonl: bool,
    zero: bool,
    fold: bool,
    everything: bool = False,
    to_recall: bool = False,
    **pages: Any,
) -> None:
    """Print the answer to a query.

    `to_recall`: the name of a file stands for the picture, which is not among the hits.
    """
    style = style_of(as_json=as_json, as_jsonl=as_jsonl, zero=zero)
    options = replace(paged(**pages), tags=tags, where=where, fold=fold)
    options = replace(options, like=like, unlike=unlike, explain=explain, mode=mode)
    with Library.open(library, read_only=True, offline=offline) as opened:
        asked = recalled(opened, query) if query and to_recall else query
        answer = Searcher(opened, once=True).ask(asked, options)
    likely = answer if everything else answer.without_doubtful()
    if query:
        say_recalled(query, answer)
    print_answer(likely, style)
    if style == "lines":
        say_hidden(answer, len(likely.hits), options.offset)
        say_signs(query)
    if not likely.hits:
        ctx.exit(NOTHING_MATCHED)


def say_recalled(query: Query, answer: Answer) -> None:
    """Print which pictures of the library stand for files that are not there."""
    if any(hit.found_by == "name" for hit in answer.hits):
        name = shown_text(str(query.terms[0].picture))
        click.echo(f"picfuse: no file {name!r} here; pictures of that name:", err=True)
    for asked, known in zip(query.terms, answer.query.terms, strict=False):
        if isinstance(asked.picture, str) and isinstance(known.picture, Example):
            name, path = shown_text(asked.picture), shown_text(str(known.picture.path))
            click.echo(f"picfuse: no file {name!r} here; the library knows {path}", err=True)


def say_hidden(answer: Answer, shown: int, offset: int = 0) -> None:
    """Print how many hits are hidden, and how to show them."""
    hidden = len(answer.hits) - shown
    sure = [hit.confidence for hit in answer.hits if hit.confidence is not None]
    unknown = shown_text(unknown_words_message(answer.unknown))
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


def say_signs(query: Query | None) -> None:
    """Warn of a quoted term with signs in it, which was searched for as one text."""
    for term in query.terms if query else ():
        if not {*SIGNS}.isdisjoint(term.text.split()):
            text = shown_text(term.text)
            click.echo(
                f"picfuse: {text!r} was searched for as one text; to add or subtract terms, leave "
                f"out the quotes: {text}",
                err=True,
            )


def style_of(*, as_json: bool, as_jsonl: bool, zero: bool) -> str:
    """The format of the output. Raises `click.UsageError` for two at once."""
    styles = [s for s, on in (("json", as_json), ("jsonl", as_jsonl), ("0", zero)) if on]
    if len(styles) > 1:
        raise click.UsageError("--json, --jsonl and -0 cannot be combined")
    return styles[0] if styles else "lines"


def with_standard_input(query: Query) -> Query:
    """The query with '@-' replaced by the picture on standard input."""
    if not any(term.picture == STDIN for term in query.terms):
        return query
    content = sys.stdin.buffer.read()
    if not content:
        raise QueryError("'@-': standard input is empty; pipe a picture into the command")
    return replace(
        query,
        terms=tuple(replace(t, picture=content) if t.picture == STDIN else t for t in query.terms),
    )
