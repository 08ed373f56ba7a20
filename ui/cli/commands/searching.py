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
from indexer.library.reading import ReadLibrary
from search import Answer, Query, Searcher
from search.query.options import AUTO
from search.query.terms import SIGNS, STDIN
from ui.cli.group import NOTHING_MATCHED
from ui.cli.options.searching import mode_option, paged, search_options
from ui.cli.output.text import print_answer
from ui.cli.output.text import shown as shown_text
from ui.sentences import said_of

_GLUED = re.compile(r"-[^\W\d_]{2}.*", re.DOTALL)  # "-house" is no "-h" with something behind it


class SearchCommand(click.Command):
    """A command among whose terms a '-' stands, and may be glued to its word by mistake.

    Its unknown options are terms to click, and errors here.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments as click takes them. Raises `PlacedError` for a glued minus."""
        terms = args[: args.index("--")] if "--" in args else args
        known = {name for option in self.get_params(ctx) for name in option.opts}
        for number, word in enumerate(terms):
            if word.startswith("--") and word.partition("=")[0] not in known:
                raise click.NoSuchOption(word, ctx=ctx)
            if _GLUED.fullmatch(word):
                problem = f"{word!r}: write the sign alone, as in '- {word[1:]}'"
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
    help="Show doubtful hits too: those with less evidence than nearly all right answers have.",
)
@click.pass_context
def search(
    ctx: click.Context, /, terms: tuple[str, ...], weight: float | None, **options: Any
) -> None:
    """Find pictures by words, by a picture, or by both.

    A '+' or '-' that stands alone adds or takes away a term; 'N:' before a term weighs it. A
    term that is a path or URL of a picture is that picture; '@-' reads one from standard input.
    With --tag and no term, the pictures of which the tag holds most surely are listed; with --where
    alone, the newest that fulfil it.
    --like and --unlike refine what is asked by hits that are right and wrong. Pictures that are
    named are left out of their own hits; those that are nearly the same are one hit. Beside the
    score stands how sure a hit is; doubtful ones are left out. Exit status 1 when nothing matched.
    """
    _answer(ctx, query_of(terms, weight, options), **options)


def query_of(
    terms: tuple[str, ...], weight: float | None, options: Mapping[str, Any]
) -> Query | None:
    """The query of a command's words; None where tags and conditions alone are asked for.

    It has no terms where nothing but marked pictures is asked with.
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
    """Find pictures like PICTURE: a path, a URL, or '@-' for standard input."""
    _answer(ctx, with_standard_input(Query.of(picture=picture, weight=weight)), **options)


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
    **pages: Any,
) -> None:
    style = style_of(as_json=as_json, as_jsonl=as_jsonl, zero=zero)
    options = replace(paged(**pages), tags=tags, where=where, fold=fold)
    options = replace(options, like=like, unlike=unlike, explain=explain, mode=mode)
    with ReadLibrary.open(library, offline=offline) as opened:
        answer = Searcher(opened, once=True).ask(query, options)
    likely = answer if everything else answer.without_doubtful()
    print_answer(likely, style)
    if style == "lines":
        say_hidden(answer, len(likely.hits), options.offset)
        say_signs(query)
    if not likely.hits:
        ctx.exit(NOTHING_MATCHED)


def say_hidden(answer: Answer, shown: int, offset: int = 0) -> None:
    """Say what is not shown, and how it would be."""
    hidden = len(answer.hits) - shown
    sure = [hit.confidence for hit in answer.hits if hit.confidence is not None]
    unknown = shown_text(said_of(answer.unknown))
    if hidden and not shown and not sure:
        guesses = "the best guess" if hidden == 1 else f"the {hidden} best guesses"
        click.echo(f"picfuse: nothing matched: {unknown} (--all shows {guesses})", err=True)
        return
    if answer.unknown:
        click.echo(f"picfuse: {unknown}", err=True)
    if not answer.hits:
        what = "nothing matched" if not offset else "no hits from there on"
        click.echo(f"picfuse: {what}", err=True)
    elif not shown:
        best = max(sure)
        click.echo(
            f"picfuse: nothing matched (the best guess is right with {best:.0%}; --all shows "
            f"the {'best' if hidden == 1 else f'{hidden} best'})",
            err=True,
        )
    elif hidden:
        hits = "hit is" if hidden == 1 else "hits are"
        click.echo(f"picfuse: {hidden} doubtful {hits} not shown; --all shows them", err=True)


def say_signs(query: Query | None) -> None:
    """Say of a term with signs in it, which was quoted, that it was asked as one text."""
    for term in query.terms if query else ():
        if not {*SIGNS}.isdisjoint(term.text.split()):
            text = shown_text(term.text)
            click.echo(
                f"picfuse: {text!r} was asked as one text; to take away or add terms, leave out "
                f"the quotes: {text}",
                err=True,
            )


def style_of(*, as_json: bool, as_jsonl: bool, zero: bool) -> str:
    """How an answer is printed. Raises `click.UsageError` for two ways at once."""
    styles = [s for s, on in (("json", as_json), ("jsonl", as_jsonl), ("0", zero)) if on]
    if len(styles) > 1:
        raise click.UsageError("--json, --jsonl and -0 exclude each other")
    return styles[0] if styles else "lines"


def with_standard_input(query: Query) -> Query:
    """The query with the picture of standard input in place of '@-'."""
    if not any(term.picture == STDIN for term in query.terms):
        return query
    content = sys.stdin.buffer.read()
    if not content:
        raise QueryError("'@-': standard input is empty; pipe a picture into the command")
    return replace(
        query,
        terms=tuple(replace(t, picture=content) if t.picture == STDIN else t for t in query.terms),
    )
