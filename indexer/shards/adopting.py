"""Folders, tag heads and albums of a library, taken over into another one; nothing is lost.

A name that both use for different things gets a number in the second: "Trip 2".
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import NamedTuple

from indexer.catalogue.changes.batch import Batch
from indexer.catalogue.lookup.albums import MAX_NAME, AlbumLookup
from indexer.catalogue.lookup.picked import PickedLookup
from indexer.catalogue.lookup.pictures import IndexedFolder
from indexer.catalogue.lookup.tables import full_path
from indexer.catalogue.values import FAVOURITES, PICKED
from indexer.library.library import Library
from indexer.pictures.exclusion import from_above
from indexer.pipeline.tagging import tag_all
from indexer.tag_head import TagHead

ALBUM, HEAD = "album", "tag head"


class Renamed(NamedTuple):
    """Something that another name was found for, since the library uses its name already."""

    what: str
    name: str
    new: str


def adopt_folders(library: Library, source: Library) -> dict[int, IndexedFolder]:
    """Make the folders of a source with their options; those that are new, by their id here."""
    fresh: dict[int, IndexedFolder] = {}
    known = {folder.path: folder for folder in library.catalogue.folders()}
    with library.writing() as batch:
        for folder in sorted(source.catalogue.folders(), key=lambda each: each.path):
            owner = next((known[p] for p in folder.path.parents if p in known), None)
            if folder.path in known or (owner is not None and not _adds_options(folder, owner)):
                continue
            key = _put(batch, folder)
            if owner is not None:
                batch.folders.absorb(key, owner.id, _below(folder.path, owner.path))
                continue
            for inner in [each for each in known if folder.path in each.parents]:
                batch.folders.absorb(known.pop(inner).id, key, _below(inner, folder.path))
            passed = source.passed_over.in_folder(folder.id).values()
            batch.folders.put_passed_over(key, [], list(passed))
            known[folder.path] = fresh[key] = folder
    return fresh


def _put(batch: Batch, folder: IndexedFolder) -> int:
    files = [Path(name) for name in json.loads(folder.caption_files)]
    return batch.folders.put(
        folder.path,
        exclude=json.loads(folder.exclude),
        include=folder.included,
        caption_files=files or None,
        columns=folder.columns,
    )


def _below(inner: Path, outer: Path) -> bytes:
    return os.fsencode(inner.relative_to(outer))


def _adds_options(folder: IndexedFolder, owner: IndexedFolder) -> bool:
    """Whether a folder has options that the indexed one above it lacks."""
    below = str(folder.path.relative_to(owner.path))
    patterns = [
        (from_above(pattern, below), theirs)
        for mine, theirs in ((folder.exclude, owner.exclude), (folder.include, owner.include))
        for pattern in json.loads(mine)
    ]
    files = [(file, owner.caption_files) for file in json.loads(folder.caption_files)]
    return any(option not in json.loads(theirs) for option, theirs in [*patterns, *files])


def adopt_heads(library: Library, source: Library) -> Iterator[Renamed]:
    """Copy the tag heads of a source and tag all pictures with them. Raises `LibraryDamaged`."""
    encoder_id = library.encoder_id
    own = {head.name: head.fingerprint for head in library.tags.heads(encoder_id)}
    new: dict[str, TagHead] = {}
    for stored, head in source.tags.loaded(source.encoder_id):
        if stored.fingerprint not in own.values():
            name, _ = _name_for(stored.name, own.__contains__, lambda _: False)
            own[name], new[name] = stored.fingerprint, head
            if name != stored.name:
                yield Renamed(HEAD, stored.name, name)
    if new:
        with library.writing() as batch:
            for name, head in new.items():
                batch.tags.put_head(encoder_id, name, head)
            tag_all(library, batch, encoder_id)


def adopt_albums(library: Library, source: Library) -> Iterator[Renamed]:
    """Copy the albums of a source, whose pictures are here already.

    Picked pictures are added to an album of the same name if one of the two has all pictures of the
    other; favourites always are. Raises `LibraryDamaged`.
    """
    with library.writing() as batch:
        for name in source.albums.names():
            yield from _adopt_search(library, batch, source, name)
        for name in source.picked.names():
            yield from _adopt_picked(library, batch, source, name)


def _adopt_search(library: Library, batch: Batch, source: Library, name: str) -> Iterator[Renamed]:
    album = source.albums.named(name)
    albums = AlbumLookup(batch.reading, library.path)
    assert album is not None

    def is_same(tried: str) -> bool:
        other = albums.named(tried)
        return other is not None and other.to_json() == album.to_json()

    free, is_new = _name_for(name, lambda tried: albums.kind(tried) is not None, is_same)
    if is_new:
        batch.albums.put(replace(album, name=free))
        batch.picked.cover(free, _cover(source, name))
        if free != name:
            yield Renamed(ALBUM, name, free)


def _adopt_picked(library: Library, batch: Batch, source: Library, name: str) -> Iterator[Renamed]:
    members = _members(library, source, name)
    mine, kind = {content for _, content in members}, source.albums.kind(name) or PICKED
    albums = AlbumLookup(batch.reading, library.path)
    picked = PickedLookup(batch.reading, library.path)

    def is_same(tried: str) -> bool:
        if albums.kind(tried) != kind:
            return False
        theirs = {member.content_hash for member in picked.members(tried)}
        return kind == FAVOURITES or mine <= theirs or theirs <= mine

    wanted = picked.favourites() if kind == FAVOURITES else None
    free, is_new = _name_for(wanted or name, lambda tried: albums.kind(tried) is not None, is_same)
    if is_new:
        batch.picked.create(free, kind)
        batch.picked.cover(free, _cover(source, name))
    batch.picked.add(free, members)
    if is_new and free != name:
        yield Renamed(ALBUM, name, free)


def _cover(source: Library, name: str) -> bytes | None:
    (cover,) = source.albums.column("SELECT cover FROM albums WHERE name = ?", name)
    return cover if cover is None else bytes(cover)


def _members(library: Library, source: Library, name: str) -> list[tuple[int, bytes]]:
    """The pictures of an album by their ids here and contents; 0 for one that is not here."""
    query = """
        SELECT m.content_hash, f.path, p.relative
        FROM album_members m JOIN albums a ON a.id = m.album_id
        LEFT JOIN pictures p ON p.id = m.picture_id LEFT JOIN folders f ON f.id = p.folder_id
        WHERE a.name = ? ORDER BY m.position, m.id"""
    catalogue = library.catalogue
    found = []
    for content, folder, relative in source.picked.rows(query, name):
        at = None if folder is None else catalogue.picture_at(full_path(folder, relative))
        ids = [at[0]] if at else catalogue.ids_of_content(content)
        found.append((next(iter(ids), 0), content))
    return found


def _name_for(
    name: str, is_taken: Callable[[str], bool], is_same: Callable[[str], bool]
) -> tuple[str, bool]:
    """The first of "Trip", "Trip 2" and so on that is free or the same; whether it is free."""
    for number in count(1):
        tried = name if number == 1 else f"{name[: MAX_NAME - 8]} {number}"
        if not is_taken(tried):
            return tried, True
        if is_same(tried):
            return tried, False
    raise AssertionError
