"""`picfuse map`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer.errors import InputError
from indexer.files import whole_file
from indexer.library.library import Library
from search.export.rows import KINDS
from search.export.tables import table
from search.export.writing import check_free
from search.library_map import LibraryMap, draw_map
from search.projection import METHODS
from ui.cli.group import NOTHING_MATCHED, json_option, library_options
from ui.cli.options.paths import UserPath
from ui.cli.output.text import path_fields, print_json, terminal_safe

MOST = 100_000


@click.command(
    epilog="\b\nExamples:\n  picfuse map --output map.csv\n  picfuse map --json --most 500"
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    default="picture",
    show_default=True,
    help="Embeddings to use: of the pictures, of their captions, or fused.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="auto",
    show_default=True,
    help="pca keeps the greatest differences; umap keeps neighbours together and needs umap-learn; "
    "auto uses umap if it is installed.",
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=MOST,
    show_default=True,
    help="Maximum number of pictures. A larger library is sampled at random.",
)
@click.option(
    "--output",
    type=UserPath(dir_okay=False),
    help="Write id, path, x and y to this file (.csv or .jsonl).",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@library_options
@json_option
@click.pass_context
def map(
    ctx: click.Context,
    kind: str,
    method: str,
    most: int,
    output: Path | None,
    overwrite: bool,
    library: Path,
    offline: bool,
    as_json: bool,
) -> None:
    """Arrange the pictures on a map, similar ones close together.

    Prints x, y and path; the browser app draws the map. It is kept until the library changes, so
    the second time is quick.
    """
    if output is not None:
        _check(output, overwrite=overwrite)
    with Library.open(library, read_only=True, offline=offline) as opened:
        made = draw_map(opened, kind=kind, method=method, most=most)
        points = _points(opened, made)
    if output is not None:
        with whole_file(output) as temporary, temporary.open("wb") as file:
            columns = ("id", "path", "path_base64", "x", "y")
            lines = table(file, output.suffix.lower().lstrip("."), columns)
            lines.add([{"path_base64": None, **point} for point in points])
            lines.close()
    if as_json:
        facts = {"method": made.method, "kind": kind, "of": made.pictures}
        print_json({**facts, "pictures": points})
    elif output is None:
        for point in points:
            click.echo(f"{point['x']:7.3f} {point['y']:7.3f}  {terminal_safe(point['path'])}")
    if len(points) < made.pictures:
        click.echo(f"picfuse: {len(points):,} of {made.pictures:,} pictures drawn", err=True)
    if not points:
        what = "captions" if kind == "caption" else "pictures"
        click.echo(f"picfuse: no map: the library has no {what}", err=True)
        ctx.exit(NOTHING_MATCHED)


def _check(output: Path, *, overwrite: bool) -> None:
    if output.suffix.lower() not in (".csv", ".jsonl"):
        raise InputError(f"{output}: unknown format for a map; end its name in .csv or .jsonl")
    if not overwrite:
        check_free(output)


def _points(library: Library, made: LibraryMap) -> list[dict[str, Any]]:
    pictures = library.catalogue.pictures(made.ids.tolist())
    return [
        {"id": key, **path_fields(pictures[key].path), "x": round(x, 5), "y": round(y, 5)}
        for key, (x, y) in zip(made.ids.tolist(), made.points.tolist(), strict=True)
        if key in pictures
    ]
