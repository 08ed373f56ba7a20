"""`picfuse album`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from indexer import Library
from indexer.catalogue.lookup.albums import Album
from indexer.errors import InputError, LibraryDamaged
from search import Query, Searcher
from search.albums import AlbumAnswer, album_pictures, delete_album, named_album, save_album
from search.browsing.picked import picked_albums
from search.collection.opening import local
from search.query.options import AUTO
from ui.cli.commands import album_picking
from ui.cli.commands.answering import query_of
from ui.cli.group import NOTHING_MATCHED, library_options
from ui.cli.options.grouping import grouped
from ui.cli.options.searching import (
    marking_options,
    mode_option,
    printing_options,
    restricting_options,
    style_of,
    threshold_options,
)
from ui.cli.options.terms import SearchCommand, literal_option
from ui.cli.output.notes import say_readings
from ui.cli.output.text import hit_fields, print_answer, print_json, terminal_safe, valid
from ui.sentences import counted

COUNT = 50  # most pictures of an album saved without -k and --least
_ASKING = ("tags", "where", "like", "unlike")
_THRESHOLDS = ("least", "min_confidence")

album_options = grouped(
    printing_options,
    restricting_options,
    marking_options,
    click.option(
        "-k",
        type=click.IntRange(1),
        help=f"Maximum number of pictures.  [default: {COUNT}; all with --least, or with only "
        "--tag or --where]",
    ),
    library_options,
)


@click.command(
    cls=SearchCommand,
    context_settings={"ignore_unknown_options": True},
    epilog="\b\nExamples:\n  picfuse album dogs a dog outdoors --unlike ./cat.jpg -k 100\n"
    "  picfuse album dogs\n  picfuse album\n"
    '  picfuse album winter --where "taken: last winter"\n  picfuse album dogs --delete\n'
    "  picfuse album Rome --add *.jpg",
)
@click.argument("name", required=False)
@click.argument("terms", nargs=-1, type=click.UNPROCESSED)
@mode_option
@literal_option
@threshold_options
@click.option("--replace", is_flag=True, help="Replace an existing album of this name.")
@click.option("--delete", is_flag=True, help="Delete the album; its pictures are not touched.")
@click.option("--add", is_flag=True, help="Add pictures of the library; the TERMS are their paths.")
@click.option("--remove", is_flag=True, help="Remove pictures from it; the TERMS are their paths.")
@click.option("--rename", metavar="NEW", help="Rename the album.")
@album_options
@click.pass_context
def album(
    ctx: click.Context,
    /,
    name: str | None,
    terms: tuple[str, ...],
    weight: float | None,
    literal: bool,
    library: Path,
    offline: bool,
    zero: bool,
    as_json: bool,
    as_jsonl: bool,
    **options: Any,
) -> None:
    """Save a search as an album, pick pictures for one, list its pictures, or list all albums.

    With a NAME and a search (as in 'picfuse search'), saves the search. With a NAME alone, lists
    its current pictures: first those named in the search or by --like, then the best matches. With
    neither, lists all albums. An album stores the search, so it also finds new pictures, and works
    even if the pictures named in it are deleted. With --add and the paths of pictures, it holds
    just these, in this order; 'Favourites' is one that every library has. Exit status 1 if nothing
    is listed.
    """
    style = style_of(as_json=as_json, as_jsonl=as_jsonl, zero=zero)
    if any(options[key] for key in album_picking.CHANGES):
        given = options | {"weight": weight is not None, "literal": literal, "date_order": None}
        given["mode"] = options["mode"] != AUTO
        album_picking.change(library, name, terms, style, given)
        return
    asking = bool(terms) or any(options[key] for key in _ASKING)
    _check(name, asking, weight, options)
    if name is None:
        _list(ctx, library, offline, style)
    elif options["delete"]:
        _delete(library, name, style)
    elif asking:
        query = query_of(terms, weight, options, literal=literal) or Query((), weight)
        _save(library, offline, name, query, style, options)
    else:
        _show(ctx, library, offline, name, style, options["k"])


def _check(name: str | None, asking: bool, weight: float | None, options: dict[str, Any]) -> None:
    """Raise `InputError` for options that do not go together."""
    given = [key for key in (*_THRESHOLDS, "replace", "delete", "k") if options[key]]
    given += ["weight"] if weight is not None else []
    given += ["mode"] if options["mode"] != AUTO else []
    if name is None and (given or asking):
        raise InputError("album: no name; give one first, as in 'picfuse album dogs a dog'")
    if options["delete"] and (asking or len(given) > 1):
        raise InputError(f"album {name!r}: --delete takes only the name")
    if not asking and set(given) - {"k", "delete"}:
        raise InputError(
            f"album {name!r}: nothing to search for; give words, --like, --tag or --where"
        )


def _save(
    library: Path, offline: bool, name: str, query: Query, style: str, said: dict[str, Any]
) -> None:
    """Save an album and print how many pictures it has."""
    options = {key: said[key] for key in (*_ASKING, *_THRESHOLDS, "date_order", "mode")}
    ranked = bool(query.terms or said["like"] or said["unlike"])
    limited = any(said[key] is not None for key in _THRESHOLDS)
    k = said["k"] or (COUNT if ranked and not limited else None)
    with Library.open(library, offline=offline) as opened:
        album = save_album(opened, name, query, k=k, replace=said["replace"], **options)
        found = album_pictures(Searcher(opened), album)
    if style == "lines":
        click.echo(
            f"saved: {terminal_safe(album.name)}, {counted(len(found.answer.hits))} at present"
        )
        say_readings(query)
        say_readings(found.answer.query)
    else:
        _print(found, style)


def _show(
    ctx: click.Context, library: Path, offline: bool, name: str, style: str, k: int | None
) -> None:
    """List the current pictures of an album."""
    with Library.open(library, read_only=True, offline=offline) as opened:
        if name in opened.picked.names():
            any_left = album_picking.show(opened, name, style, k)
        else:
            any_left = _show_search(opened, name, style, k)
    if not any_left:
        if style == "lines":
            click.echo("picfuse: no picture of the library matches this album now", err=True)
        ctx.exit(NOTHING_MATCHED)


def _show_search(library: Library, name: str, style: str, k: int | None) -> bool:
    """List what the search of an album finds; whether it finds anything."""
    found = album_pictures(Searcher(library), named_album(library, name), k=k)
    _print(found, style)
    if found.lost:
        click.echo(f"picfuse: {lost_said(len(found.lost))}", err=True)
    return bool(found.answer.hits)


def _print(found: AlbumAnswer, style: str) -> None:
    if style != "json":
        print_answer(found.answer, style)
        return
    print_json(found_fields(found))


def found_fields(found: AlbumAnswer) -> dict[str, Any]:
    """The JSON fields of an album with its present pictures."""
    hits = [hit_fields(hit) for hit in found.answer.hits]
    said = {"album": valid(found.album.name), "asked": album_fields(found.album)}
    return {**said, "lost": len(found.lost), "hits": hits}


def _delete(library: Path, name: str, style: str) -> None:
    with Library.open(library) as opened:
        delete_album(opened, name)
    if style == "json":
        print_json({"album": valid(name), "deleted": True})
    else:
        click.echo(f"deleted: {terminal_safe(name)}; its pictures are not touched")


def _list(ctx: click.Context, library: Path, offline: bool, style: str) -> None:
    """List all albums with their current number of pictures."""
    if style not in ("lines", "json"):
        raise InputError("album: --jsonl and -0 list the pictures of an album; give its name")
    with Library.open(library, read_only=True, offline=offline) as opened:
        searcher = Searcher(opened)
        listed = listed_albums(searcher)
    if style == "json":
        print_json({"albums": listed})
    for fields in listed if style == "lines" else ():
        count = "?" if fields["pictures"] is None else f"{fields['pictures']:,}"
        click.echo(f"{count:>7}  {terminal_safe(fields['album'])}")
        if said := _note(fields):
            click.echo(f"{'':9}{terminal_safe(said)}")
    if not listed:
        if style == "lines":
            click.echo("picfuse: no albums yet; 'picfuse album NAME TERM...' saves one", err=True)
        ctx.exit(NOTHING_MATCHED)


def listed_albums(searcher: Searcher) -> list[dict[str, Any]]:
    """The JSON fields of all albums: those of picked pictures, then those of searches."""
    library = local(searcher.library)
    picked = [album_picking.album_fields(album) for album in picked_albums(library)]
    return picked + [_counted_album(searcher, name) for name in library.albums.names()]


def _note(fields: dict[str, Any]) -> str:
    """A note on an album that lacks something; empty if it does not."""
    if "away" in fields:
        return album_picking.away_said(fields["away"])
    return str(fields.get("problem") or lost_said(fields["lost"]))


def _counted_album(searcher: Searcher, name: str) -> dict[str, Any]:
    """The JSON fields of an album; `problem` says why it cannot be searched."""
    try:
        album = named_album(local(searcher.library), name)
        found = album_pictures(searcher, album)
    except (InputError, LibraryDamaged) as error:
        return {"album": valid(name), "pictures": None, "lost": 0, "problem": valid(str(error))}
    facts = {"album": valid(name), "pictures": len(found.answer.hits), "lost": len(found.lost)}
    return {**facts, "asked": album_fields(album)}


def album_fields(album: Album) -> dict[str, Any]:
    """The JSON fields of an album's search; a picture without a path is named by its hash."""

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
        "min_confidence": album.min_confidence,
        "date_order": album.date_order,
    }


def lost_said(lost: int) -> str:
    """A note on the pictures an album has lost; empty if there are none."""
    if not lost:
        return ""
    return (
        f"ignores {counted(lost)} it was saved with: embedded by another encoder, and no longer in "
        "the library or on disk"
    )
