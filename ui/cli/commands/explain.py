"""`picfuse explain`."""

from __future__ import annotations

from pathlib import Path

import click

from indexer.errors import InputError
from indexer.files import whole_file
from indexer.library.library import Library
from search import Query
from search.heat_map import HeatMap, HeatMapQuery, opened_picture
from ui.cli.commands.searching import SearchCommand
from ui.cli.group import json_option, library_options
from ui.cli.output.text import path_fields, print_json, query_fields, shown

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="Example: picfuse explain ./beach.jpg a red umbrella --output where.png",
)
@click.argument("picture")
@click.argument("terms", nargs=-1, required=True, type=click.UNPROCESSED)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the picture with the heat map over it: PNG, JPEG or WebP.",
)
@library_options
@json_option
def explain(
    picture: str,
    terms: tuple[str, ...],
    output: Path | None,
    library: Path,
    offline: bool,
    as_json: bool,
) -> None:
    """Show where in PICTURE a query is found, as the library's model sees it.

    The terms are those of 'picfuse search', of which those that are taken away do not count; the
    picture need not be in the library, and is only read. What is printed is the place that fits
    best, in per cent of width and height, with its score, and the median of all places: where both
    are near, the query is nowhere in particular. The built-in model's maps are made with the first
    picture, once, in up to a minute.
    """
    query = Query.parse(terms)
    if output is not None:
        _check(output)
    with Library.open(library, read_only=True, offline=offline) as opened:
        image = opened_picture(picture, offline=offline)
        found = HeatMapQuery.of(opened, query).on(image)
    if output is not None:
        with whole_file(output) as temporary:
            found.over(image).save(temporary, FORMATS[output.suffix.lower()])
    if as_json:
        print_json(_fields(picture, query, found, output))
    else:
        _print(found, output)


def _check(output: Path) -> None:
    """Raise `InputError` for what cannot be written, or would be written over another file."""
    if output.suffix.lower() not in FORMATS:
        raise InputError(f"{output}: no format to write; name it .png, .jpg or .webp")
    if output.exists():
        raise InputError(f"{output}: is there already; name another file, or delete it first")


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
    click.echo(f"{found.median:.3f}  the median of all places")
    if output is not None:
        click.echo(f"picfuse: written to {shown(str(output))}", err=True)
