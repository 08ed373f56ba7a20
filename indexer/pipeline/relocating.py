"""Folders that were moved on disk: their pictures are searched for in the new place."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.catalogue.lookup.pictures import IndexedFolder
from indexer.errors import InputError
from indexer.kinds.members import facts_of
from indexer.library.library import Library
from indexer.library.locking import only_writer
from indexer.pipeline.folders import absolute, existing_folder

_PICTURES_CHECKED = 500  # at most about this many are searched for in the new place


@dataclass(frozen=True, slots=True)
class RelocationReport:
    """A folder that has a new place, and its number of pictures in the library."""

    old: Path
    new: Path
    pictures: int


def relocate(library: Library, old: str | Path, new: str | Path) -> list[RelocationReport]:
    """Expect the pictures of `old` in `new` from now on; nothing is read or encoded again.

    `old` is a folder of the library, one above several of them, or one below. It need not exist
    any more. Raises `InputError` if `old` is unknown, or if `new` does not exist, is a folder of
    the library itself, or has none of the pictures.
    """
    source, target = absolute(Path(old)), existing_folder(Path(new))
    with only_writer(library.path):
        known = library.catalogue.folders()
        whole = [f for f in known if f.path == source or source in f.path.parents]
        part = next((f for f in known if f.path in source.parents), None)
        if not whole and part is None:
            listed = ", ".join(str(folder.path) for folder in known) or "none"
            raise InputError(f"{source}: not in a folder of this library, which has: {listed}")
        _check_free(target, [folder for folder in known if folder not in whole])
        if whole:
            return _move_whole(library, whole, source, target)
        assert part is not None
        return _move_part(library, part, source, target)


def _check_free(target: Path, others: Sequence[IndexedFolder]) -> None:
    for folder in others:
        if folder.path == target or folder.path in target.parents or target in folder.path.parents:
            raise InputError(
                f"{target}: {folder.path} is already indexed; run 'picfuse index' instead: "
                "moved pictures keep their embeddings"
            )


def _move_whole(
    library: Library, folders: Sequence[IndexedFolder], source: Path, target: Path
) -> list[RelocationReport]:
    moved = []
    for folder in folders:
        place = target / folder.path.relative_to(source)
        pictures = library.catalogue.files_of(folder.id)
        _check_pictures(place, pictures)
        moved.append(RelocationReport(folder.path, place, len(pictures)))
    with library.writing() as batch:
        for folder, now in zip(folders, moved, strict=True):
            files = [_rebased(Path(f), source, target) for f in json.loads(folder.caption_files)]
            batch.folders.move(folder.id, now.new, files)
    return moved


def _move_part(
    library: Library, folder: IndexedFolder, source: Path, target: Path
) -> list[RelocationReport]:
    prefix = os.fsencode(source.relative_to(folder.path)) + b"/"
    pictures = {
        relative[len(prefix) :]: size
        for relative, size in library.catalogue.files_of(folder.id).items()
        if relative.startswith(prefix)
    }
    if not pictures:
        raise InputError(f"{source}: the library has no picture there; check the name")
    _check_pictures(target, pictures)
    files = [_rebased(Path(f), source, target) for f in json.loads(folder.caption_files)]
    with library.writing() as batch:
        batch.folders.split(folder.id, prefix, target, files)
    return [RelocationReport(source, target, len(pictures))]


def _rebased(path: Path, source: Path, target: Path) -> Path:
    return target / path.relative_to(source) if source in path.parents else path


def _check_pictures(place: Path, pictures: dict[bytes, int]) -> None:
    """Raise `InputError` if none of the pictures is in the new place."""
    names = sorted(pictures)
    sample = names[:: max(1, len(names) // _PICTURES_CHECKED)]
    if sample and not any(_has_size(place, name, pictures[name]) for name in sample):
        raise InputError(
            f"{place}: none of the {len(pictures)} pictures is there (checked "
            f"{os.fsdecode(sample[0])} and others); check the name"
        )


def _has_size(place: Path, relative: bytes, size: int) -> bool:
    try:
        return facts_of(os.path.join(os.fsencode(place), relative)).size == size
    except OSError:
        return False
