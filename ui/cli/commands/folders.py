"""`picfuse forget` and `picfuse relocate`."""

from __future__ import annotations

from pathlib import Path

import click

from indexer import Library
from indexer.catalogue.values import MISSING
from indexer.pipeline.pruning import forget_folder
from indexer.pipeline.relocating import relocate as relocate_folder
from ui.cli.group import json_option, library_options
from ui.cli.options.paths import UserPath
from ui.cli.output.text import path_fields, print_json, terminal_safe


@click.command(epilog="Example: picfuse forget ~/Pictures/old")
@click.argument("folder", type=UserPath())
@library_options
@json_option
def forget(folder: Path, library: Path, offline: bool, as_json: bool) -> None:
    """Remove FOLDER and the records of its pictures from the library.

    The pictures themselves are not touched. FOLDER need not exist any more.
    """
    with Library.open(library, offline=offline) as opened:
        count = forget_folder(opened, folder)
    if as_json:
        print_json({**path_fields(folder.absolute()), "forgotten": count})
    else:
        click.echo(
            f"{terminal_safe(str(folder))}: forgotten, with {count} pictures; no file is deleted"
        )


@click.command(epilog="Example: picfuse relocate /media/old-disk/photos /media/new-disk/photos")
@click.argument("old", type=UserPath())
@click.argument("new", type=UserPath())
@library_options
@json_option
def relocate(old: Path, new: Path, library: Path, offline: bool, as_json: bool) -> None:
    """Tell the library that the pictures of OLD are now in NEW.

    OLD is a folder of the library, or a folder above or below one. No picture is read or encoded
    again.
    """
    with Library.open(library, offline=offline) as opened:
        moved = relocate_folder(opened, old, new)
        missing = opened.catalogue.counts().get(MISSING, 0)
    if as_json:
        print_json(
            {
                "relocated": [
                    {
                        "old": path_fields(place.old)["path"],
                        "new": path_fields(place.new)["path"],
                        "pictures": place.pictures,
                    }
                    for place in moved
                ]
            }
        )
        return
    for place in moved:
        old_name, new_name = terminal_safe(str(place.old)), terminal_safe(str(place.new))
        click.echo(f"{old_name} is now {new_name} ({place.pictures} pictures)")
    if missing:
        said = f"{missing:,} pictures are missing; 'picfuse index' looks for them again"
        click.echo(f"picfuse: {said}", err=True)
