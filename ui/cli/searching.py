"""`picfuse search` and `picfuse similar`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from indexer.errors import QueryError
from indexer.reading import ReadLibrary
from search import Query, Searcher
from search.query import STDIN
from ui.cli.group import NOTHING_MATCHED, F, json_option, library_options
from ui.cli.text import print_answer

WHERE = (
    "Write 'field: value'; dates and numbers also take <, <=, > and >=, and ranges 'A..B'. One of "
    "several values is enough: 'format: png, webp'. Join with 'and', 'or', 'not' and parentheses; "
    "put values that hold such words in double quotes. What is not known of a picture fulfils no "
    "condition."
)
_GLUED = re.compile(r"-[^\W\d_]{2}.*", re.DOTALL)  # "-house" is no "-h" with something behind it


class SearchCommand(click.Command):
    """A command among whose terms a '-' stands, and may be glued to its word by mistake."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """The arguments as click takes them. Raises `QueryError` for a glued minus."""
        terms = args[: args.index("--")] if "--" in args else args
        for word in terms:
            if _GLUED.fullmatch(word):
                raise QueryError(f"{word!r}: write the sign alone, as in '- {word[1:]}'")
        return super().parse_args(ctx, args)


def search_options(command: F) -> F:
    """The options that both commands take."""
    for option in (
        click.option("-0", "zero", is_flag=True, help="Print paths, each ended by NUL."),
        click.option("--jsonl", "as_jsonl", is_flag=True, help="Print a JSON object a hit."),
        json_option,
        click.option(
            "--weight",
            type=click.FloatRange(0, 1),
            help="1 ranks by the picture alone, 0 by its caption alone.  [default: as the "
            "library is set]",
        ),
        click.option(
            "--tag",
            "tags",
            multiple=True,
            metavar="NAME",
            help="Only pictures with this tag; may be repeated: all must hold.",
        ),
        click.option(
            "--where",
            metavar="EXPR",
            callback=lambda ctx, parameter, value: _where(ctx, value),
            help="Only pictures that fulfil this, as in 'taken: last winter and not format: png'; "
            "'--where help' lists the fields.",
        ),
        click.option(
            "-k", type=click.IntRange(1), default=10, show_default=True, help="Number of hits."
        ),
        library_options,
    ):
        command = option(command)
    return command


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  picfuse search a dog in the snow\n"
    "  picfuse search golden retriever + ./pool.jpg - 2:fruit\n"
    "  picfuse search on the beach --tag joyful\n"
    '  picfuse search a black dog --where "taken: last winter and has: place"',
)
@click.argument("terms", nargs=-1, type=click.UNPROCESSED)
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
    The same picture in the library is left out of its own hits. Exit status 1 when nothing matched.
    """
    for term in terms:
        if term.startswith("--"):
            raise click.NoSuchOption(term, ctx=ctx)
    query = Query.parse(terms, weight=weight) if terms or not _restricted(options) else None
    _answer(ctx, query, **options)


def _where(ctx: click.Context, value: str | None) -> str | None:
    """The expression; 'help' prints the language instead of searching."""
    if value == "help":
        click.echo(_language(), nl=False)
        ctx.exit()
    return value


def _language() -> str:
    """The fields of `--where`, and how to join conditions."""
    formatter = click.HelpFormatter()
    fields = import_module("search.where").FIELDS
    with formatter.section("Fields of --where"):
        formatter.write_dl([(name, field.meaning) for name, field in fields.items()])
    formatter.write_paragraph()
    formatter.write_text(WHERE)
    return formatter.getvalue()


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
    k: int,
    tags: tuple[str, ...],
    where: str | None,
    library: Path,
    offline: bool,
    as_json: bool,
    as_jsonl: bool,
    zero: bool,
) -> None:
    styles = [s for s, on in (("json", as_json), ("jsonl", as_jsonl), ("0", zero)) if on]
    if len(styles) > 1:
        raise click.UsageError("--json, --jsonl and -0 exclude each other")
    with ReadLibrary.open(library, offline=offline) as opened:
        searcher = Searcher(opened)
        if query is not None:
            answer = searcher.search(_with_standard_input(query), k=k, tags=tags, where=where)
        elif tags:
            answer = searcher.tagged(tags, k=k, where=where)
        else:
            answer = searcher.fulfilling(where or "", k=k)
    print_answer(answer, styles[0] if styles else "lines")
    if not answer.hits:
        if not styles:
            click.echo("picfuse: nothing matched", err=True)
        ctx.exit(NOTHING_MATCHED)


def _with_standard_input(query: Query) -> Query:
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
