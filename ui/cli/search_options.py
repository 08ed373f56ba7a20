"""The options of the commands that search."""

from __future__ import annotations

from importlib import import_module

import click

from search.options import AUTO, MODES
from ui.cli.group import F, json_option, library_options

WHERE = (
    "Write 'field: value'; dates and numbers also take <, <=, > and >=, and ranges 'A..B'. One of "
    "several values is enough: 'format: png, webp'. Join with 'and', 'or', 'not' and parentheses; "
    "put values that hold such words in double quotes. What is not known of a picture fulfils no "
    "condition."
)


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
