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

CHANGES = ("add", "remove", "rename")


def change(
    library: Path, name: str | None, terms: Sequence[str], style: str, options: dict[str, Any]
) -> None:
    """Add pictures to an album, take them out, or rename it. Raises `InputError`."""
    given = [key for key, value in options.items() if value]
    if name is None or len(given) > 1:
        alone = "; give one at a time" if name else ""
        raise InputError(f"album: --{given[0]} takes a name, and no other option{alone}")
    if bool(terms) == bool(options["rename"]):
        wanted = "no pictures" if terms else "the paths of pictures"
        raise InputError(f"album {name!r}: --{given[0]} takes {wanted}")
    with Library.open(library) as opened:
        if options["rename"]:
            rename_album(opened, name, options["rename"])
            _say(style, {"album": valid(options["rename"]), "renamed": valid(name)})
            return
        ids = ids_at(opened, map(Path, terms))
        done = (add_pictures if options["add"] else remove_pictures)(opened, name, ids)
        album = opened.picked.album(" ".join(name.split()))
    said = "added" if options["add"] else "removed"
    _say(style, {"album": valid(name), said: done, "pictures": album.pictures if album else 0})


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
    pictures = "1 picture is" if away == 1 else f"{away:,} pictures are"
    return f"{pictures} missing: deleted, or on a disk that is not connected"


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
