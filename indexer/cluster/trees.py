"""Folders of pictures, walked: those of this machine as indexing does, others by their listing."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeAlias

from pyarrow.fs import FileInfo, FileType

from indexer.captions.candidates import CAPTION_SUFFIXES
from indexer.captions.nearby import FileState, NearbyFiles
from indexer.cluster.pieces import Archive
from indexer.cluster.places import Place, reason_of_storage
from indexer.kinds.folders import NO_MEDIA, NO_MEDIA_FILE, kind_left_out
from indexer.kinds.members import SUFFIX as ARCHIVE_SUFFIX
from indexer.kinds.passed_over import PassedOver
from indexer.kinds.suffixes import BESIDE_PICTURE, SUFFIX_KINDS, by_suffix
from indexer.metadata.picasa import NAMES as PICASA_NAMES
from indexer.pictures.formats import BYTE_RAW_SUFFIXES, BYTE_SUFFIXES
from indexer.pictures.found import FoundPicture, ScanProblem, suffix_of
from indexer.pictures.scan import scan
from indexer.pipeline.folders import inside_library

Found: TypeAlias = FoundPicture | ScanProblem | Archive


class Tree(Protocol):
    """A folder with all that is below it."""

    def walk(self, beside: NearbyFiles) -> Iterator[Found]:
        """Yield the pictures, folder by folder, and note the other files in `beside`."""
        ...

    def caption_files(self, directory: bytes) -> dict[bytes, FileState]:
        """The files in one folder, by path below the tree, that may hold captions."""
        ...


class LocalTree:
    """A folder of this machine; what lies in `output`, or in a library, is left alone."""

    def __init__(self, folder: Path, output: Path) -> None:
        self._folder = folder
        self._output = output

    def walk(self, beside: NearbyFiles) -> Iterator[Found]:
        """Yield the pictures, folder by folder, and note the other files in `beside`."""
        yield from scan(self._folder, None, inside_library(self._folder, self._output), beside)

    def caption_files(self, directory: bytes) -> dict[bytes, FileState]:
        """The files in one folder, by path below the tree, that may hold captions."""
        found = {}
        with os.scandir(os.path.join(os.fsencode(self._folder), directory)) as entries:
            for entry in entries:
                if _may_tell(entry.name) and entry.is_file():
                    found[posixpath.join(directory, entry.name)] = FileState.of(entry.stat())
        return found


class StoredTree:
    """A folder in a storage, of which only names, sizes and times are known.

    A suffix tells what a file is. Archives are yielded as they are.
    """

    def __init__(self, place: Place) -> None:
        self._place = place

    def walk(self, beside: NearbyFiles) -> Iterator[Found]:
        """Yield the pictures, folder by folder, and note the other files in `beside`."""
        waiting = [b""]
        while waiting:
            directory = waiting.pop()
            place = self._place.below(directory) if directory else self._place
            try:
                entries = place.listed()
            except OSError as error:
                yield ScanProblem(os.fsencode(place.name), reason_of_storage(error))
                continue
            if any(os.fsencode(entry.base_name) == NO_MEDIA_FILE for entry in entries):
                beside.passed.append(PassedOver(directory, NO_MEDIA))
                continue
            yield from self._files(entries, directory, beside)
            waiting += reversed(list(self._folders(entries, directory, beside)))

    def caption_files(self, directory: bytes) -> dict[bytes, FileState]:
        """The files in one folder, by path below the tree, that may hold captions."""
        place = self._place.below(directory) if directory else self._place
        files = (entry for entry in place.listed() if entry.type is FileType.File)
        named = ((os.fsencode(entry.base_name), entry) for entry in files)
        return {posixpath.join(directory, n): _state(e) for n, e in named if _may_tell(n)}

    def _files(
        self, entries: list[FileInfo], directory: bytes, beside: NearbyFiles
    ) -> Iterator[Found]:
        files = {os.fsencode(e.base_name): e for e in entries if e.type is FileType.File}
        plain = {_stem(name) for name in files if suffix_of(name) in _PLAIN}
        for name, entry in files.items():
            relative, suffix = posixpath.join(directory, name), suffix_of(name)
            if _may_tell(name):
                beside.files[relative] = _state(entry)
            elif kind_left_out(name):
                continue
            elif suffix in BYTE_RAW_SUFFIXES and _stem(name) in plain:
                beside.passed.append(PassedOver(relative, BESIDE_PICTURE))
            elif suffix in BYTE_SUFFIXES:
                yield FoundPicture(relative, entry.size, entry.mtime_ns or 0)
            elif suffix == ARCHIVE_SUFFIX:
                yield Archive(self._place.below(relative), entry.size, entry.mtime_ns or 0)
            else:
                kind = SUFFIX_KINDS.get(suffix) or by_suffix(suffix)
                beside.passed.append(PassedOver(relative, kind))

    @staticmethod
    def _folders(entries: list[FileInfo], directory: bytes, beside: NearbyFiles) -> Iterator[bytes]:
        for entry in entries:
            if entry.type is FileType.Directory:
                name = os.fsencode(entry.base_name)
                relative = posixpath.join(directory, name)
                if kind := kind_left_out(name, posixpath.basename(directory)):
                    beside.passed.append(PassedOver(relative, kind))
                else:
                    yield relative


_PLAIN = BYTE_SUFFIXES - BYTE_RAW_SUFFIXES


def tree_of(place: Place, output: Place) -> Tree:
    """The tree of a folder."""
    if not place.is_local:
        return StoredTree(place)
    return LocalTree(place.path, output.path if output.is_local else Path(os.devnull))


def _may_tell(name: bytes) -> bool:
    is_picasa = name.lower() in PICASA_NAMES
    return is_picasa or (suffix_of(name) in CAPTION_SUFFIXES and not kind_left_out(name))


def _state(entry: FileInfo) -> FileState:
    return FileState(entry.size, entry.mtime_ns or 0, 0)


def _stem(name: bytes) -> bytes:
    return name[: name.rfind(b".")].lower()
