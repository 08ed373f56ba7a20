"""Pictures in a folder, as links or as copies. The originals are only read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexer import Failure, Progress
from indexer.errors import InputError, PictureError
from indexer.kinds.members import facts_of, is_member, open_file
from indexer.library.library import Library
from indexer.pictures.hashes import content_hash

HOW = ("copy", "symlink")


@dataclass(slots=True)
class PlacementReport:
    """Numbers of pictures that were added to a folder or already there, and those that failed."""

    added: int = 0
    there: int = 0
    failed: list[Failure] = field(default_factory=list)


def check_folder(library: Library, folder: Path, *, indexed_too: bool) -> None:
    """Raise `InputError` for the library itself, and for an indexed folder unless `indexed_too`.

    Pictures that are put into an indexed folder would be found twice after the next indexing.
    """
    real = folder.resolve()
    if real.is_relative_to(library.path.resolve()):
        raise InputError(f"{folder}: inside the library itself; name another folder")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: a file; name a folder")
    for indexed in library.catalogue.folder_paths():
        if not indexed_too and real.is_relative_to(indexed.resolve()):
            raise InputError(
                f"{folder}: inside {indexed}, which is indexed, so its pictures would be found "
                "twice; name another folder, or add --into-indexed"
            )


def put_into(
    paths: Sequence[Path], folder: Path, how: str
) -> Generator[Progress, None, PlacementReport]:
    """Put pictures into a folder, which is created; a name that is taken gets a number.

    Nothing is overwritten, and a picture that is already there stays. A copy never appears in
    part. Raises `InputError`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be created ({os.strerror(error.errno or 0)}); name another folder"
        ) from error
    report = PlacementReport()
    yield Progress(0, len(paths))
    for done, path in enumerate(paths, start=1):
        try:
            if _put(path, folder, how):
                report.added += 1
            else:
                report.there += 1
        except OSError as error:
            report.failed.append(Failure(path, os.strerror(error.errno or 0)))
        except PictureError as error:
            report.failed.append(Failure(path, str(error)))
        yield Progress(done, len(paths))
    return report


def _put(path: Path, folder: Path, how: str) -> bool:
    """Put one picture there; returns False if it was there already. Raises `OSError`."""
    facts_of(path)  # a missing file is no use as a link either
    if how == "symlink" and is_member(path):
        raise PictureError("in an archive, so no link can lead to it; copy it")
    for name in _names(path.name):
        place = folder / name
        if _is_there(path, place, how):
            return False
        if not os.path.lexists(place):
            try:
                _link(path, place) if how == "symlink" else _copy(path, place)
            except FileExistsError:  # another process was quicker
                continue
            return True
    raise AssertionError("names do not end")


def _names(name: str) -> Iterator[str]:
    stem, suffix = os.path.splitext(name)
    yield name
    number = 2
    while True:
        yield f"{stem}-{number}{suffix}"
        number += 1


def _is_there(path: Path, place: Path, how: str) -> bool:
    if how == "symlink":
        return place.is_symlink() and place.readlink() == path
    if not place.is_file() or place.is_symlink() or facts_of(path).size != facts_of(place).size:
        return False
    return content_hash(path) == content_hash(place)


def _link(path: Path, place: Path) -> None:
    place.symlink_to(path)


def _copy(path: Path, place: Path) -> None:
    """Copy bytes and times, under a temporary name at first. Raises `FileExistsError`."""
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        if is_member(path):
            with open_file(path) as source, temporary.open("wb") as target:
                shutil.copyfileobj(source, target)
        else:
            shutil.copy2(path, temporary)
        _name(temporary, place)
    finally:
        temporary.unlink(missing_ok=True)


def _name(temporary: Path, place: Path) -> None:
    """Give a file a free name by a second link, so that it appears whole. Raises `FileExistsError`.

    On a file system without links, an empty file takes the name first.
    """
    try:
        place.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        place.touch(exist_ok=False)
        try:
            temporary.replace(place)
        except BaseException:
            place.unlink(missing_ok=True)
            raise
