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
from indexer.reading import ReadLibrary
from search import Options, Query, Searcher
from search.options import AUTO
from search.query import STDIN
from ui.cli.group import NOTHING_MATCHED
from ui.cli.search_options import mode_option, paged, search_options
from ui.cli.text import print_answer

_GLUED = re.compile(r"-[^\W\d_]{2}.*", re.DOTALL)  # "-house" is no "-h" with something behind it


class SearchCommand(click.Command):
    """A command among whose terms a '-' stands, and may be glued to its word by mistake."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments as click takes them. Raises `PlacedError` for a glued minus."""
        terms = args[: args.index("--")] if "--" in args else args
        for number, word in enumerate(terms):
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
    '  picfuse search a black dog --where "taken: last winter and has: place"',
)
@click.argument("terms", nargs=-1, type=click.UNPROCESSED)
@mode_option
@search_options
@click.pass_context
def search(
    ctx: click.Context, /, terms: tuple[str, ...], weight: float | None, **options: Any
) -> None:
    """Find pictures by words, by a picture, or by both.

    A '+' or '-' that stands alone adds or takes away a term; 'N:' before a term weighs it. A
    term that is a path or URL of a picture is that picture; '@-' reads one from standard input.
    With --tag and no term, the pictures of which the tag holds most surely are listed; with --where
    alone, the newest that fulfil it.
    The same picture in the library is left out of its own hits; pictures that are nearly the same
    are one hit. Exit status 1 when nothing matched.
    """
    for term in terms:
        if term.startswith("--"):
            raise click.NoSuchOption(term, ctx=ctx)
    query = Query.parse(terms, weight=weight) if terms or not _restricted(options) else None
    _answer(ctx, query, **options)


def _restricted(options: Mapping[str, Any]) -> bool:
    """Whether something is asked for without a term."""
    return bool(options["tags"]) or options["where"] is not None


@click.command(epilog="Example: picfuse similar ./holiday.jpg -k 5")
@click.argument("picture")
@search_options
@click.pass_context
def similar(ctx: click.Context, /, picture: str, weight: float | None, **options: Any) -> None:
    """Find pictures like PICTURE: a path, a URL, or '@-' for standard input."""
    _answer(ctx, Query.of(picture=picture, weight=weight), **options)


def _answer(
    ctx: click.Context,
    query: Query | None,
    *,
    tags: tuple[str, ...],
    where: str | None,
    mode: str = AUTO,
    library: Path,
    offline: bool,
    as_json: bool,
    as_jsonl: bool,
    zero: bool,
    fold: bool,
    **pages: Any,
) -> None:
    styles = [s for s, on in (("json", as_json), ("jsonl", as_jsonl), ("0", zero)) if on]
    if len(styles) > 1:
        raise click.UsageError("--json, --jsonl and -0 exclude each other")
    options: Options = {**paged(**pages), "tags": tags, "where": where, "fold": fold}
    options |= {"mode": mode}
    with ReadLibrary.open(library, offline=offline) as opened:
        searcher = Searcher(opened)
        if query is not None:
            answer = searcher.search(with_standard_input(query), **options)
        else:
            answer = searcher.listed(**options)
    print_answer(answer, styles[0] if styles else "lines")
    if not answer.hits:
        if not styles:
            what = "nothing matched" if not options["offset"] else "no hits from there on"
            click.echo(f"picfuse: {what}", err=True)
        ctx.exit(NOTHING_MATCHED)


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
