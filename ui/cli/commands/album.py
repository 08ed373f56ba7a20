"""`picfuse album`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.catalogue.lookup.albums import Album
from indexer.errors import InputError, LibraryDamaged
from indexer.library.reading import ReadLibrary
from search import Query, Searcher
from search.albums import AlbumAnswer, album_pictures, delete_album, named_album, save_album
from search.query.options import AUTO
from ui.cli.commands.searching import SearchCommand, query_of, style_of
from ui.cli.group import NOTHING_MATCHED, library_options
from ui.cli.options.searching import (
    grouped,
    marking_options,
    mode_option,
    printing_options,
    restricting_options,
)
from ui.cli.output.text import hit_fields, print_answer, print_json, shown, valid

COUNT = 50  # pictures of an album that names neither a number nor a score
_ASKING = ("tags", "where", "like", "unlike")

album_options = grouped(
    printing_options,
    restricting_options,
    marking_options,
    click.option(
        "-k",
        type=click.IntRange(1),
        help=f"At most so many pictures.  [default: {COUNT} for words, pictures and marks "
        "without --least, else all]",
    ),
    library_options,
)


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  picfuse album dogs a dog outdoors --unlike ./cat.jpg -k 100\n"
    "  picfuse album dogs\n  picfuse album\n"
    '  picfuse album winter --where "taken: last winter"\n  picfuse album dogs --delete',
)
@click.argument("name", required=False)
@click.argument("terms", nargs=-1, type=click.UNPROCESSED)
@mode_option
@click.option("--least", type=float, help="Only pictures with this score or a higher one.")
@click.option("--replace", is_flag=True, help="Save it in the place of the album of this name.")
@click.option("--delete", is_flag=True, help="Delete the album; no picture is touched.")
@album_options
@click.pass_context
def album(
    ctx: click.Context,
    /,
    name: str | None,
    terms: tuple[str, ...],
    weight: float | None,
    library: Path,
    offline: bool,
    zero: bool,
    as_json: bool,
    as_jsonl: bool,
    **options: Any,
) -> None:
    """Save a search as an album, list what it holds now, or list all albums.

    With a NAME and something to search for (as in 'picfuse search'), the search is saved; with a
    NAME alone, its present pictures are listed: first those that are asked with or marked by
    --like, then the best others. With neither, all albums are. An album keeps what was asked, so
    that new pictures come into it; pictures that it asks with may be deleted. Exit status 1 when
    nothing is listed.
    """
    style = style_of(as_json=as_json, as_jsonl=as_jsonl, zero=zero)
    asking = bool(terms) or any(options[key] for key in _ASKING)
    _check(name, asking, weight, options)
    if name is None:
        _list(ctx, library, offline, style)
    elif options["delete"]:
        _delete(library, name, style)
    elif asking:
        query = query_of(terms, weight, options) or Query((), weight)
        _save(library, offline, name, query, style, options)
    else:
        _show(ctx, library, offline, name, style, options["k"])


def _check(name: str | None, asking: bool, weight: float | None, options: dict[str, Any]) -> None:
    """Raise `InputError` for options that mean nothing together."""
    given = [key for key in ("least", "replace", "delete", "k") if options[key]]
    given += ["weight"] if weight is not None else []
    given += ["mode"] if options["mode"] != AUTO else []
    if name is None and (given or asking):
        raise InputError("album: which one? give its name first, as in 'picfuse album dogs a dog'")
    if options["delete"] and (asking or len(given) > 1):
        raise InputError(f"album {name!r}: --delete takes nothing but the name")
    if not asking and set(given) - {"k", "delete"}:
        raise InputError(
            f"album {name!r}: nothing to search for; give words, --like, --tag or --where"
        )


def _save(
    library: Path, offline: bool, name: str, query: Query, style: str, said: dict[str, Any]
) -> None:
    """Save an album, and say how many pictures it holds."""
    options = {key: said[key] for key in (*_ASKING, "least", "mode")}
    ranked = bool(query.terms or said["like"] or said["unlike"])
    k = said["k"] or (COUNT if ranked and said["least"] is None else None)
    with Library.open(library, offline=offline) as opened:
        album = save_album(opened, name, query, k=k, replace=said["replace"], **options)
        found = album_pictures(Searcher(opened), album)
    if style == "lines":
        click.echo(f"saved: {shown(album.name)}, {counted(len(found.answer.hits))} at present")
    else:
        _print(found, style)


def _show(
    ctx: click.Context, library: Path, offline: bool, name: str, style: str, k: int | None
) -> None:
    """List what an album holds now."""
    with ReadLibrary.open(library, offline=offline) as opened:
        found = album_pictures(Searcher(opened), named_album(opened, name), k=k)
    _print(found, style)
    if found.lost:
        click.echo(f"picfuse: {lost_said(len(found.lost))}", err=True)
    if not found.answer.hits:
        if style == "lines":
            click.echo("picfuse: no picture of the library is in this album now", err=True)
        ctx.exit(NOTHING_MATCHED)


def _print(found: AlbumAnswer, style: str) -> None:
    if style != "json":
        print_answer(found.answer, style)
        return
    hits = [hit_fields(hit) for hit in found.answer.hits]
    said = {"album": valid(found.album.name), "asked": album_fields(found.album)}
    print_json({**said, "lost": len(found.lost), "hits": hits})


def _delete(library: Path, name: str, style: str) -> None:
    with Library.open(library) as opened:
        delete_album(opened, name)
    if style == "json":
        print_json({"album": valid(name), "deleted": True})
    else:
        click.echo(f"deleted: {shown(name)}; its pictures are left")


def _list(ctx: click.Context, library: Path, offline: bool, style: str) -> None:
    """All albums, each with the number of pictures that it holds now."""
    if style not in ("lines", "json"):
        raise InputError("album: --jsonl and -0 list the pictures of an album; give its name")
    with ReadLibrary.open(library, offline=offline) as opened:
        searcher = Searcher(opened)
        listed = [_counted_album(searcher, name) for name in opened.albums.names()]
    if style == "json":
        print_json({"albums": listed})
    for fields in listed if style == "lines" else ():
        count = "?" if fields["pictures"] is None else f"{fields['pictures']:,}"
        click.echo(f"{count:>7}  {shown(fields['album'])}")
        if said := fields.get("problem") or lost_said(fields["lost"]):
            click.echo(f"{'':9}{shown(said)}")
    if not listed:
        if style == "lines":
            click.echo("picfuse: no albums yet; 'picfuse album NAME TERM...' saves one", err=True)
        ctx.exit(NOTHING_MATCHED)


def _counted_album(searcher: Searcher, name: str) -> dict[str, Any]:
    """An album as scripts read it; one that cannot be asked says why."""
    try:
        album = named_album(searcher.library, name)
        found = album_pictures(searcher, album)
    except (InputError, LibraryDamaged) as error:
        return {"album": valid(name), "pictures": None, "lost": 0, "problem": valid(str(error))}
    facts = {"album": valid(name), "pictures": len(found.answer.hits), "lost": len(found.lost)}
    return {**facts, "asked": album_fields(album)}


def album_fields(album: Album) -> dict[str, Any]:
    """What an album asks, as scripts read it; pictures by path, else by the hash of their bytes."""

    def name(content: bytes) -> str:
        kept = album.kept.get(content)
        path = None if kept is None else kept.path
        return content.hex() if path is None else path.decode(errors="replace")

    return {
        "terms": [
            {"weight": term.weight, "text": valid(term.text)}
            if term.picture is None
            else {"weight": term.weight, "picture": name(term.picture)}
            for term in album.terms
        ],
        "weight": album.weight,
        "like": [name(content) for content in album.like],
        "unlike": [name(content) for content in album.unlike],
        "tags": [valid(tag) for tag in album.tags],
        "where": album.where,
        "k": album.k,
        "least": album.least,
        "mode": album.mode,
    }


def lost_said(lost: int) -> str:
    """What is lost of what an album asks with; empty where nothing is."""
    if not lost:
        return ""
    pictures = "a picture" if lost == 1 else f"{lost} pictures"
    return (
        f"asks without {pictures} that it was saved with: embedded by another encoder, and neither "
        "the library nor the disk has the file any more"
    )


def counted(pictures: int) -> str:
    """A number of pictures in words."""
    return "1 picture" if pictures == 1 else f"{pictures:,} pictures"
