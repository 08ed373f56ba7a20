"""The options of the commands that search, in groups."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import click

from search.query.options import AUTO, DIVERSITY, MODES, SearchOptions
from ui.cli.group import F, json_option, library_options

WHERE = (
    "Write 'field: value'; dates and numbers also take <, <=, > and >=, and ranges 'A..B'. One of "
    "several values is enough: 'format: png, webp'. Join with 'and', 'or', 'not' and parentheses; "
    "put values that hold such words in double quotes. What is not known of a picture fulfils no "
    "condition."
)


def grouped(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one; the last of them is listed first."""

    def add(command: F) -> F:
        for option in options:
            command = option(command)
        return command

    return add


explain_option = click.option(
    "--explain", is_flag=True, help="Say what picture, caption and terms add to a score."
)

printing_options = grouped(
    click.option("-0", "zero", is_flag=True, help="Print paths, each ended by NUL."),
    click.option("--jsonl", "as_jsonl", is_flag=True, help="Print a JSON object a hit."),
    json_option,
)

restricting_options = grouped(
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
)

marking_options = grouped(
    click.option(
        "--unlike",
        multiple=True,
        metavar="PICTURE",
        help="A picture that is wrong: find others than such; may be repeated.",
    ),
    click.option(
        "--like",
        multiple=True,
        metavar="PICTURE",
        help="A picture that is right, of the library or any other: find more such; may be "
        "repeated.",
    ),
)

paging_options = grouped(
    click.option(
        "--diversity",
        type=click.FloatRange(0, 1),
        help="How much: 0 goes by score alone; names --diverse too.  [default: 0.3]",
    ),
    click.option(
        "--diverse", is_flag=True, help="Prefer pictures that are unlike the hits before them."
    ),
    click.option(
        "--no-fold",
        "fold",
        flag_value=False,
        default=True,
        help="Show each of several pictures that are nearly the same.",
    ),
    click.option(
        "--page",
        type=click.IntRange(1),
        help="Which page of k hits to show, from 1; none repeats or skips a picture.",
    ),
    click.option("--offset", type=click.IntRange(0), help="Leave out so many hits of the first."),
    click.option(
        "-k", type=click.IntRange(1), default=10, show_default=True, help="Number of hits."
    ),
)

search_options = grouped(
    printing_options,
    explain_option,
    restricting_options,
    paging_options,
    marking_options,
    library_options,
)


def mode_option(command: F) -> F:
    """`--mode`."""
    return click.option(
        "--mode",
        type=click.Choice(MODES),
        default=AUTO,
        show_default=True,
        help="vector finds by meaning; words by the words of captions, names and tags alone; auto "
        "by meaning, but names and numbers by their words.",
    )(command)


def paged(
    *, k: int, offset: int | None, page: int | None, diverse: bool, diversity: float | None
) -> SearchOptions:
    """What the options say of pages and of diverse answers. Raises `click.UsageError`."""
    if offset is not None and page is not None:
        raise click.UsageError("--offset and --page exclude each other")
    first = (page - 1) * k if page is not None else offset or 0
    strength = DIVERSITY if diverse and diversity is None else diversity or 0.0
    return SearchOptions(k=k, offset=first, diverse=strength)


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
