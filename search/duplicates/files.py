"""Files: the copies of pictures as they are on the disk now, each file once.

One folder under two paths, a symbolic link beside its target and a hard link are names of one file:
who deletes one of them for being a copy of the other may lose both, and never wins room.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.kinds.members import is_member
from indexer.library.records import CopyInfo
from indexer.pictures.hashes import content_hash

GONE, CHANGED = "gone since it was indexed", "changed since it was indexed"
IN_ARCHIVE = "inside an archive, from which nothing can be deleted"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that is no longer what was indexed, or that cannot be read, and why."""

    path: Path
    reason: str

    @property
    def out_of_date(self) -> bool:
        """Whether indexing again helps."""
        return self.reason in (GONE, CHANGED)


@dataclass(frozen=True, slots=True)
class _Name:
    """One name of a file: the picture of that path, its real path and the file's number."""

    copy: CopyInfo
    real: str
    number: tuple[int, int]
    links: int

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """A key that sorts a file's own name before links to it and to its folder."""
        path = os.fspath(self.copy.path)
        return is_link(self.copy.path), os.path.normcase(path) != os.path.normcase(self.real), path


def present_files(copies: Iterable[CopyInfo]) -> tuple[list[CopyInfo], list[LeftOut]]:
    """The files that are unchanged by size and time, each under one of its names; and the others.

    A copy that has hard links among `copies` names them.
    """
    files: dict[object, list[_Name]] = {}
    left_out = []
    for copy in copies:
        name = _name(copy)
        if isinstance(name, LeftOut):
            left_out.append(name)
            continue
        # Some file systems number no files; others show one file under two numbers.
        keys = [name.real] if name.number[1] == 0 else [name.real, name.number]
        names = next((files[key] for key in keys if key in files), [])
        names.append(name)
        files.update(dict.fromkeys(keys, names))
    distinct = {id(names): names for names in files.values()}
    return [_one_file(names) for names in distinct.values()], left_out


def _name(copy: CopyInfo) -> _Name | LeftOut:
    try:
        state = copy.path.stat()
        real = os.path.realpath(copy.path)
    except FileNotFoundError:
        return LeftOut(copy.path, GONE)
    except OSError as error:
        if is_member(copy.path):
            return LeftOut(copy.path, IN_ARCHIVE)
        return LeftOut(copy.path, f"cannot be read: {error.strerror or error}")
    if not stat.S_ISREG(state.st_mode):
        return LeftOut(copy.path, CHANGED)
    if (state.st_size, state.st_mtime_ns) != (copy.size, copy.mtime_ns):
        return LeftOut(copy.path, CHANGED)
    return _Name(copy, real, (state.st_dev, state.st_ino), state.st_nlink)


def _one_file(names: Sequence[_Name]) -> CopyInfo:
    """The copy under its best name, with its hard links: names that lead to other real paths."""
    best, *others = sorted(names, key=lambda name: name.rank)
    linked = {name.real: name.copy.path for name in reversed(others) if name.real != best.real}
    hard = tuple(sorted(linked.values())) if best.links > 1 else ()
    return replace(best.copy, hard_links=hard)


def is_link(path: Path) -> bool:
    """Whether a name is a symbolic link itself."""
    try:
        return path.is_symlink()
    except OSError:
        return False


def reread(copy: CopyInfo) -> LeftOut | None:
    """Why a file is left out after its bytes were read again; None if they are as indexed."""
    try:
        unchanged = content_hash(copy.path) == copy.content_hash
    except FileNotFoundError:
        return LeftOut(copy.path, GONE)
    except OSError as error:
        return LeftOut(copy.path, f"cannot be read: {error.strerror or error}")
    return None if unchanged else LeftOut(copy.path, CHANGED)
