"""Tar archives: those of this machine are read in place, others are fetched by who reads them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from indexer.captions.nearby import FileState, NearbyFiles
from indexer.cluster.folders import contents_of_folder
from indexer.cluster.pieces import Archive, Content, Files
from indexer.cluster.places import Place
from indexer.cluster.told import Told
from indexer.cluster.trees import Found
from indexer.kinds.members import MOST_MEMBERS
from indexer.pictures.archives import FoundArchive, pictures_in
from indexer.pictures.exclusion import Exclusion


class ArchiveTree:
    """The pictures of one archive of this machine, as the only ones of its folder."""

    def __init__(self, archive: Path) -> None:
        self._archive = archive

    def walk(self, beside: NearbyFiles) -> Iterator[Found]:
        """Yield the pictures, and note the other members in `beside`."""
        name = os.fsencode(self._archive.name)
        found = FoundArchive(os.fsencode(self._archive), name, self._archive.stat())
        yield from pictures_in(found, Exclusion(), beside, lambda relative, size, mtime_ns: None)

    def caption_files(self, directory: bytes) -> dict[bytes, FileState]:
        """Nothing: only the members count."""
        return {}


def contents_of_archive(place: Place, size: int, told: Told) -> Iterator[Content]:
    """Cut an archive into pieces; one in a storage is a single piece. Raises OSError."""
    if not place.is_local:
        info = place.info()
        yield Archive(place, info.size, info.mtime_ns or 0)
        return
    folder = Place(os.fspath(place.path.parent))
    yield from contents_of_folder(folder, ArchiveTree(place.path), size, told)


def fetched(archive: Archive, folder: Path, told: Told) -> Iterator[Files]:
    """Fetch an archive into a folder, and list what is in it. Raises OSError."""
    target = folder / archive.place.base
    archive.place.fetch(target)
    os.utime(target, ns=(archive.mtime_ns, archive.mtime_ns))
    for part in contents_of_folder(Place(str(folder)), ArchiveTree(target), MOST_MEMBERS, told):
        if isinstance(part, Files):
            yield part
