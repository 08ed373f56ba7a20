"""`picfuse search` and `picfuse similar`."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from ui.cli.options.paths import UserText
from ui.cli.options.searching import mode_option, search_options
from ui.cli.options.terms import SearchCommand, literal_option
from ui.warm.client import WarmReply, ask

if TYPE_CHECKING:
    from search import Query


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
@click.option(
    "--no-service",
    is_flag=True,
    help="Answer in this process, even if 'picfuse serve' runs for this library.",
)
@click.pass_context
def search(
    ctx: click.Context,
    /,
    terms: tuple[str, ...],
    weight: float | None,
    literal: bool,
    no_service: bool,
    library: Path,
    offline: bool,
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
    command = {"terms": terms, "weight": weight, "literal": literal, "options": options}
    reply = None if no_service else ask(library, command)
    if reply is not None:
        _repeat(ctx, reply)
    answering = import_module("ui.cli.commands.answering")
    query = answering.query_of(terms, weight, options, literal=literal)
    ctx.exit(_answer(library, offline, query, **options))


@click.command(epilog="Example: picfuse similar ./holiday.jpg -k 5")
@click.argument("picture", type=UserText())
@search_options
@click.pass_context
def similar(
    ctx: click.Context,
    /,
    picture: str,
    weight: float | None,
    library: Path,
    offline: bool,
    **options: Any,
) -> None:
    """Find pictures similar to PICTURE: a path, a URL, or '@-' for standard input.

    PICTURE may also be the name of a picture of the library, or its path while its disk is away.
    """
    answering = import_module("ui.cli.commands.answering")
    queries = import_module("search.query.terms")
    query = answering.with_standard_input(queries.Query.of(picture=picture, weight=weight))
    ctx.exit(_answer(library, offline, query, to_recall=True, **options))


def _answer(library: Path, offline: bool, query: Query | None, **options: Any) -> int:
    """Print the answer of this process; returns the exit status.

    Imported late: a warm service answers without what a search needs.
    """
    opening = import_module("search.collection.opening")
    searchers = import_module("search.searcher")
    answering = import_module("ui.cli.commands.answering")
    with opening.open_library(library, offline=offline) as opened:
        status: int = answering.print_found(searchers.Searcher(opened, once=True), query, **options)
        return status


def _repeat(ctx: click.Context, reply: WarmReply) -> NoReturn:
    """Print what a warm service has printed, and exit as it would."""
    for stream, content in ((sys.stdout, reply.out), (sys.stderr, reply.err)):
        stream.buffer.write(content)
        stream.flush()
    ctx.exit(reply.status)
