"""Albums of picked pictures, and favourites: an album that every library may have.

An album keeps a picture by its content, so that it may move, and by its id, so that it may be
edited where it is. A picture that is away is not shown; it comes back with its disk.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from indexer.catalogue.lookup.albums import AlbumLookup, album_name
from indexer.catalogue.lookup.picked import Member, PickedAlbum, PickedLookup
from indexer.catalogue.values import FAVOURITES, PICKED, SEARCH
from indexer.errors import InputError
from indexer.library.library import Library
from search.answer.hits import Answer, read_hits
from search.query.terms import Query

if TYPE_CHECKING:
    from indexer.catalogue.changes.batch import Batch

FAVOURITE_NAME = "Favourites"


def picked_albums(library: Library) -> list[PickedAlbum]:
    """All albums of picked pictures, favourites first, then by name."""
    found = [library.picked.album(name) for name in library.picked.names()]
    return [album for album in found if album is not None]


def create_album(library: Library, name: str) -> str:
    """Make an empty album; returns its name. Raises `InputError` for a name that is taken."""
    name = album_name(name)
    with _changing(library) as (batch, picked):
        if AlbumLookup(batch.reading, library.path).kind(name) is not None:
            raise InputError(f"album {name!r} already exists; choose another name")
        batch.picked.create(name, _kind_of(picked, name))
    return name


def add_pictures(library: Library, name: str, ids: Sequence[int]) -> int:
    """Add pictures at the end of an album; returns how many are new in it.

    Makes the album if there is none, and leaves out pictures that the library does not know. Raises
    `InputError` for the name of an album that is a search.
    """
    name = album_name(name)
    with _changing(library) as (batch, picked):
        return _add(library, batch, picked, name, ids)


def remove_pictures(library: Library, name: str, ids: Sequence[int]) -> int:
    """Take pictures out of an album; returns how many were in it. The library keeps them.

    Raises `InputError` for an unknown album.
    """
    with _changing(library) as (batch, picked):
        return _remove(library, batch, _members(picked, name), ids)


def move_pictures(
    library: Library, name: str, ids: Sequence[int], before: int | None = None
) -> None:
    """Move pictures of an album, in this order, before another one; None: to its end.

    Raises `InputError` for an unknown album, and for a `before` that is not in it or moves itself.
    """
    with _changing(library) as (batch, picked):
        members = _members(picked, name)
        wanted: dict[int | None, int] = {key: n for n, key in enumerate(dict.fromkeys(ids))}
        moved = sorted((m for m in members if m.picture in wanted), key=lambda m: wanted[m.picture])
        rest = [member for member in members if member.picture not in wanted]
        places = [n for n, member in enumerate(rest) if member.picture == before]
        if before is not None and not places:
            raise InputError(f"album {name!r}: has no other picture {before} to move them to")
        place = len(rest) if before is None else places[0]
        batch.picked.arrange([m.row for m in [*rest[:place], *moved, *rest[place:]]])


def set_cover(library: Library, name: str, picture_id: int | None) -> None:
    """Choose the picture that stands for an album; None: its first. Raises `InputError`."""
    with _changing(library) as (batch, picked):
        contents = {m.picture: m.content_hash for m in _members(picked, name)}
        if picture_id is not None and picture_id not in contents:
            raise InputError(f"album {name!r}: has no picture {picture_id}")
        batch.picked.cover(name, None if picture_id is None else contents[picture_id])


def set_favourites(library: Library, ids: Sequence[int], *, on: bool) -> None:
    """Add pictures to the favourites, or take them out."""
    with _changing(library) as (batch, picked):
        name = picked.favourites()
        if on:
            _add(library, batch, picked, name or _new_favourites(library, batch), ids)
        elif name is not None:
            _remove(library, batch, picked.members(name), ids)


def favourites(library: Library) -> list[int]:
    """The ids of the favourites, in the order in which they became it."""
    name = library.picked.favourites()
    return [] if name is None else library.picked.pictures(name)


def album_ids(library: Library, name: str) -> list[int]:
    """The ids of the present pictures of an album in its order. Raises `InputError`."""
    _check(library.picked, name)
    return library.picked.pictures(name)


def picked_answer(library: Library, name: str, *, k: int | None = None, offset: int = 0) -> Answer:
    """The present pictures of an album in its order, at most k after `offset`, as hits.

    Raises `InputError` for an unknown album.
    """
    started = time.perf_counter()
    ids = album_ids(library, name)
    end = len(ids) if k is None else offset + k
    page = np.array(ids[offset:end], np.int64)
    hits = read_hits(library, page, np.full(len(page), np.nan, np.float32), found_by="filter")
    elapsed = 1000 * (time.perf_counter() - started)
    return Answer(Query(()), hits, elapsed, end if end < len(ids) else None)


def ids_at(library: Library, paths: Iterable[Path]) -> list[int]:
    """The ids of the pictures at some paths. Raises `InputError` for one that was not indexed."""
    ids = []
    for path in paths:
        whole = Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH111 - "~nobody"
        found = library.catalogue.picture_at(whole)
        if found is None or found[1] is None:
            raise InputError(f"{path}: not a picture of the library; index its folder first")
        ids.append(found[0])
    return ids


@contextmanager
def _changing(library: Library) -> Iterator[tuple[Batch, PickedLookup]]:
    """A batch, and the albums as it sees them."""
    with library.writing() as batch:
        yield batch, PickedLookup(batch.reading, library.path)


def _add(
    library: Library, batch: Batch, picked: PickedLookup, name: str, ids: Sequence[int]
) -> int:
    kind = AlbumLookup(batch.reading, library.path).kind(name)
    if kind == SEARCH:
        raise InputError(f"album {name!r} is a search; pick pictures for another album")
    if kind is None:
        batch.picked.create(name, _kind_of(picked, name))
    known = library.catalogue.hashes_of(ids)
    wanted = [(key, known[key][0]) for key in dict.fromkeys(ids) if key in known]
    new = [(key, content) for key, content in wanted if content is not None]
    before = picked.members(name)
    have = {member.picture for member in before}
    batch.picked.add(name, [one for one in new if one[0] not in have])
    return len(picked.members(name)) - len(before)


def _kind_of(picked: PickedLookup, name: str) -> str:
    """Kind of a new album: the first one that is called Favourites has the favourites."""
    return FAVOURITES if name == FAVOURITE_NAME and picked.favourites() is None else PICKED


def _remove(library: Library, batch: Batch, members: Sequence[Member], ids: Sequence[int]) -> int:
    unwanted, known = set(ids), library.catalogue.hashes_of(ids)
    contents = {content for content, _ in known.values()}  # of those that are away
    gone = [m for m in members if m.picture in unwanted or m.content_hash in contents]
    batch.picked.remove(member.row for member in gone)
    return len({member.picture or member.content_hash for member in gone})


def _members(picked: PickedLookup, name: str) -> list[Member]:
    _check(picked, name)
    return picked.members(name)


def _check(picked: PickedLookup, name: str) -> None:
    """Raise `InputError` unless there is such an album of picked pictures."""
    if name not in (names := picked.names()):
        known = ", ".join(names) or "none yet"
        raise InputError(f"no album of picked pictures {name!r}; existing ones: {known}")


def _new_favourites(library: Library, batch: Batch) -> str:
    """Make the album of favourites, under a name that no other album has."""
    albums = AlbumLookup(batch.reading, library.path)
    names = (f"{FAVOURITE_NAME} {number}" for number in count(2))
    name = FAVOURITE_NAME
    while albums.kind(name) is not None:
        name = next(names)
    batch.picked.create(name, FAVOURITES)
    return name
