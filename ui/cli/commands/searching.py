"""`picfuse search` and `picfuse similar`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from indexer.errors import QueryError
from indexer.library.away import away_folders
from indexer.library.library import Library
from search import Query, Searcher
from search.query.options import AUTO
from search.query.recalling import recalled
from search.query.tokens import STDIN
from ui.cli.group import NOTHING_MATCHED
from ui.cli.options.paths import UserText
from ui.cli.options.searching import mode_option, paged, search_options
from ui.cli.options.terms import SearchCommand, literal_option
from ui.cli.output.answers import complete_answer_fields
from ui.cli.output.away import say_away
from ui.cli.output.dates import dates_of, say_dates
from ui.cli.output.notes import say_hidden, say_recalled, say_understood
from ui.cli.output.text import print_answer, print_json


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  picfuse search a dog in the snow\n  picfuse search a dog -snow\n"
    "  picfuse search golden retriever + ./pool.jpg - 2:fruit\n"
    "  picfuse search on the beach --tag joyful\n"
    "  picfuse search a dog --like ./ours.jpg --unlike ./theirs.jpg\n"
    '  picfuse search a black dog --where "taken: last winter and has: place"',
)
@click.argument("terms", nargs=-1, type=click.UNPROCESSED)
@mode_option
@literal_option
@search_options
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also show doubtful hits.",
)
@click.pass_context
def search(
    ctx: click.Context,
    /,
    terms: tuple[str, ...],
    weight: float | None,
    literal: bool,
    **options: Any,
) -> None:
    """Find pictures by words, by a picture, or by both.

    '-word' subtracts a word, '-"two words"' a phrase; so does 'without snow'. A '+' or '-' with
    spaces around it adds or subtracts all words up to the next one; 'N:' before a term sets its
    weight. Words in double quotes are taken as they are. A term may be the path or URL of a
    picture, or '@-' to read one from standard input. --like and --unlike refine the search by right
    and wrong hits. With --tag and no term, lists the pictures most likely to have the tag; with
    only --where, the newest that match.

    Pictures named in the query are not among its hits, and near-duplicates form one hit. The
    percentage after the score says how likely a hit is right; doubtful hits are hidden. Exit status
    1 if nothing matched.
    """
    _answer(ctx, query_of(terms, weight, options, literal=literal), **options)


def query_of(
    terms: tuple[str, ...], weight: float | None, options: Mapping[str, Any], *, literal: bool
) -> Query | None:
    """The query of a command's terms; None if only tags or conditions are given.

    With only --like and --unlike, it has no terms.
    """
    if terms:
        return with_standard_input(Query.parse(terms, weight=weight, literal=literal))
    if options["like"] or options["unlike"]:
        return Query((), weight)
    return None if options["tags"] or options["where"] is not None else Query.parse(())


@click.command(epilog="Example: picfuse similar ./holiday.jpg -k 5")
@click.argument("picture", type=UserText())
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
    date_order: str,
    explain: bool,
    least: float | None,
    min_confidence: float | None,
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
    options = replace(options, date_order=date_order, least=least, min_confidence=min_confidence)
    with Library.open(library, read_only=True, offline=offline) as opened:
        asked = recalled(opened, query) if query and to_recall else query
        answer = Searcher(opened, once=True).ask(asked, options)
        likely = answer if everything else answer.without_doubtful()
        if query:
            say_recalled(query, answer)
        if style == "json":
            print_json(complete_answer_fields(opened, likely, where, date_order))
        else:
            print_answer(likely, style)
            say_dates(dates_of(where, date_order))
            say_away(away_folders(opened.catalogue))
    if style == "lines":
        say_hidden(answer, len(likely.hits), options.offset)
        say_understood(answer)
    if not likely.hits:
        ctx.exit(NOTHING_MATCHED)


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
