"""Albums of picked pictures in `picfuse album`: adding, removing, listing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.catalogue.lookup.picked import PickedAlbum
from indexer.errors import InputError
from search.albums import rename_album
from search.browsing.picked import add_pictures, ids_at, picked_answer, remove_pictures
from ui.cli.output.text import hit_fields, print_answer, print_json, terminal_safe, valid
from ui.sentences import counted

CHANGES = ("add", "remove", "rename")


def change(
    library: Path, name: str | None, terms: Sequence[str], style: str, options: dict[str, Any]
) -> None:
    """Add pictures to an album, take them out, or rename it. Raises `InputError`."""
    asked = next(key for key in CHANGES if options[key])
    if name is None or any(value for key, value in options.items() if key != asked):
        alone = "; give one at a time" if name else ""
        raise InputError(f"album: --{asked} takes a name, and no other option{alone}")
    if bool(terms) == (asked == "rename"):
        wanted = "no pictures" if terms else "the paths of pictures"
        raise InputError(f"album {name!r}: --{asked} takes {wanted}")
    with Library.open(library) as opened:
        if asked == "rename":
            new = rename_album(opened, name, options["rename"])
            said = {"album": valid(new), "renamed": valid(name)}
        else:
            said = _picked(opened, " ".join(name.split()), terms, adding=asked == "add")
    _say(style, said)


def _picked(library: Library, name: str, paths: Sequence[str], *, adding: bool) -> dict[str, Any]:
    """Add the pictures at some paths to an album, or take them out; the JSON fields of that."""
    ids = ids_at(library, map(Path, paths))
    done = (add_pictures if adding else remove_pictures)(library, name, ids)
    album = library.picked.album(name)
    number = album.pictures if album else 0
    return {"album": valid(name), "added" if adding else "removed": done, "pictures": number}


def show(library: Library, name: str, style: str, k: int | None) -> bool:
    """List the present pictures of an album; whether there are any."""
    answer = picked_answer(library, name, k=k)
    album = library.picked.album(name)
    if style != "json":
        print_answer(answer, style)
    elif album is not None:
        hits = [hit_fields(hit) for hit in answer.hits]
        print_json({**album_fields(album), "hits": hits})
    if album is not None and album.away:
        click.echo(f"picfuse: {away_said(album.away)}", err=True)
    return bool(answer.hits)


def album_fields(album: PickedAlbum) -> dict[str, Any]:
    """The JSON fields of an album of picked pictures."""
    return {
        "album": valid(album.name),
        "kind": album.kind,
        "pictures": album.pictures,
        "away": album.away,
    }


def away_said(away: int) -> str:
    """A note on the pictures that are not there; empty if all are."""
    if not away:
        return ""
    are = "is" if away == 1 else "are"
    return f"{counted(away)} {are} missing: deleted, or on a disk that is not connected"


def _say(style: str, said: dict[str, Any]) -> None:
    if style == "json":
        print_json(said)
        return
    name = terminal_safe(said["album"])
    if "renamed" in said:
        click.echo(f"renamed: {terminal_safe(said['renamed'])} is now {name}")
        return
    verb = "added" if "added" in said else "removed"
    click.echo(f"{verb}: {said[verb]:,}; {name} has {said['pictures']:,} now")
