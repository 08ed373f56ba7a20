"""Options of the commands that search, in groups."""

from __future__ import annotations

from importlib import import_module

import click

from indexer.settings import DATE_ORDERS
from search.query.options import AUTO, DIVERSITY, MODES, SearchOptions
from ui.cli.group import F, json_option, library_options
from ui.cli.options.grouping import grouped
from ui.cli.options.paths import UserText

WHERE = (
    "Write 'field: value'. Dates and numbers also take <, <=, > and >=, and ranges 'A..B'. A list "
    "matches any of its values: 'format: png, webp'. Combine conditions with 'and', 'or', 'not' "
    "and parentheses; put values with such words in double quotes. A condition on something "
    "unknown of a picture never holds."
)

explain_option = click.option(
    "--explain", is_flag=True, help="Show how much picture, caption and each term add to a score."
)

printing_options = grouped(
    click.option("-0", "zero", is_flag=True, help="Print only paths, each followed by NUL."),
    click.option("--jsonl", "as_jsonl", is_flag=True, help="Print one JSON object per hit."),
    json_option,
)

date_order_option = click.option(
    "--date-order",
    type=click.Choice(DATE_ORDERS, case_sensitive=False),
    envvar="PICFUSE_DATE_ORDER",
    default=DATE_ORDERS[0],
    show_default=True,
    show_envvar=True,
    metavar="DMY|MDY|YMD",
    help="Order of day, month and year in dates like 06/12/2019 in --where.",
)

restricting_options = grouped(
    date_order_option,
    click.option(
        "--weight",
        type=click.FloatRange(0, 1),
        help="Weight of the picture: 1 ranks by the picture alone, 0 by its caption alone.  "
        "[default: the library's]",
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        metavar="NAME",
        help="Only pictures with this tag. May be repeated: pictures must have all of them.",
    ),
    click.option(
        "--where",
        metavar="EXPR",
        callback=lambda ctx, parameter, value: _where(ctx, value),
        help="Only pictures that meet this condition, as in 'taken: last winter and not format: "
        "png'. '--where help' lists the fields.",
    ),
)

threshold_options = grouped(
    click.option("--least", type=float, help="Only pictures with at least this score."),
    click.option(
        "--min-confidence",
        type=click.FloatRange(0, 1),
        help="Only pictures at least this likely to be right, instead of hiding doubtful ones.",
    ),
)

marking_options = grouped(
    click.option(
        "--unlike",
        type=UserText(),
        multiple=True,
        metavar="PICTURE",
        help="Find fewer pictures like this one. May be repeated.",
    ),
    click.option(
        "--like",
        type=UserText(),
        multiple=True,
        metavar="PICTURE",
        help="Find more pictures like this one, a hit or any other. May be repeated.",
    ),
)

paging_options = grouped(
    click.option(
        "--diversity",
        type=click.FloatRange(0, 1),
        help="Strength of --diverse, which it turns on; 0 ranks by score alone.  [default: 0.3]",
    ),
    click.option("--diverse", is_flag=True, help="Prefer hits that differ from those before them."),
    click.option(
        "--no-fold",
        "fold",
        flag_value=False,
        default=True,
        help="Show near-duplicates as separate hits.",
    ),
    click.option(
        "--page",
        type=click.IntRange(1),
        help="Show this page of k hits, counting from 1.",
    ),
    click.option("--offset", type=click.IntRange(0), help="Skip this many hits."),
    click.option(
        "-k", type=click.IntRange(1), default=10, show_default=True, help="Number of hits."
    ),
)

search_options = grouped(
    printing_options,
    explain_option,
    threshold_options,
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
        help="vector searches by meaning; words by the words in captions, names and tags; auto by "
        "meaning, but for names and numbers by words.",
    )(command)


def paged(
    *, k: int, offset: int | None, page: int | None, diverse: bool, diversity: float | None
) -> SearchOptions:
    """The options of paging and diversity. Raises `click.UsageError`."""
    if offset is not None and page is not None:
        raise click.UsageError("--offset and --page cannot be combined")
    first = (page - 1) * k if page is not None else offset or 0
    strength = DIVERSITY if diverse and diversity is None else diversity or 0.0
    return SearchOptions(k=k, offset=first, diverse=strength)


def style_of(*, as_json: bool, as_jsonl: bool, zero: bool) -> str:
    """The format of the output. Raises `click.UsageError` for two at once."""
    styles = [s for s, on in (("json", as_json), ("jsonl", as_jsonl), ("0", zero)) if on]
    if len(styles) > 1:
        raise click.UsageError("--json, --jsonl and -0 cannot be combined")
    return styles[0] if styles else "lines"


def _where(ctx: click.Context, value: str | None) -> str | None:
    """The expression; 'help' prints its syntax and exits."""
    if value == "help":
        click.echo(_language(), nl=False)
        ctx.exit()
    return value


def _language() -> str:
    """The fields of `--where`, and how to combine conditions."""
    formatter = click.HelpFormatter()
    fields = import_module("search.where").FIELDS
    with formatter.section("Fields of --where"):
        formatter.write_dl([(name, field.meaning) for name, field in fields.items()])
    formatter.write_paragraph()
    formatter.write_text(WHERE)
    return formatter.getvalue()
