"""`picfuse explain`."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.errors import InputError
from indexer.files import whole_file
from search import Query
from search.collection.opening import open_library
from search.heat_map import HeatMap, HeatMapQuery, opened_picture
from ui.cli.group import json_option, library_options
from ui.cli.options.paths import UserPath, UserText
from ui.cli.options.terms import SearchCommand, literal_option
from ui.cli.output.notes import say_readings
from ui.cli.output.text import path_fields, print_json, query_fields, terminal_safe

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="Example: picfuse explain ./beach.jpg a red umbrella --output where.png",
)
@click.argument("picture", type=UserText())
@click.argument("terms", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--output",
    type=UserPath(dir_okay=False),
    metavar="FILE",
    help="Write the picture with the heat map over it to this file (.png, .jpg or .webp).",
)
@literal_option
@library_options
@json_option
def explain(
    picture: str,
    terms: tuple[str, ...],
    output: Path | None,
    literal: bool,
    library: Path,
    offline: bool,
    as_json: bool,
) -> None:
    """Show where in PICTURE a query matches, as the library's model sees it.

    TERMS are those of 'picfuse search'; subtracted terms are ignored. The picture need not be in
    the library, and is only read. Prints the score of the best place, its position in per cent of
    width and height, and the score of a typical place. If both scores are close, the query is
    nowhere in particular. The built-in model needs up to a minute to prepare the first map.
    """
    query = Query.parse(terms, literal=literal)
    if output is not None:
        _check(output)
    with open_library(library, offline=offline) as opened:
        image = opened_picture(picture, offline=offline)
        sought = HeatMapQuery.of(opened, query)
        found = sought.on(image)
    if output is not None:
        with whole_file(output) as temporary:
            found.over(image).save(temporary, FORMATS[output.suffix.lower()])
    if as_json:
        print_json(_fields(picture, query, found, output))
    else:
        _print(found, output)
        say_readings(sought.query)


def _check(output: Path) -> None:
    """Raise `InputError` for a format that cannot be written, or a file that exists."""
    if output.suffix.lower() not in FORMATS:
        raise InputError(f"{output}: unknown picture format; end its name in .png, .jpg or .webp")
    if output.exists():
        raise InputError(f"{output}: already exists; name another file, or delete it first")


def _fields(picture: str, query: Query, found: HeatMap, output: Path | None) -> dict[str, object]:
    x, y = found.peak
    return {
        **path_fields(Path(picture)),
        "query": query_fields(query),
        "peak": {"x": round(x, 4), "y": round(y, 4), "score": round(found.highest, 4)},
        "median": round(found.median, 4),
        "box": [round(side, 4) for side in found.box],
        "scores": [[round(score, 4) for score in row] for row in found.scores.tolist()],
        "output": None if output is None else path_fields(output.absolute())["path"],
    }


def _print(found: HeatMap, output: Path | None) -> None:
    x, y = found.peak
    score = click.style(f"{found.highest:.3f}", fg="green")
    click.echo(f"{score}  at {x:.0%} from the left, {y:.0%} from the top")
    click.echo(f"{found.median:.3f}  at a typical place")
    if output is not None:
        click.echo(f"picfuse: written to {terminal_safe(str(output))}", err=True)
