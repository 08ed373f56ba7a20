"""Members of tar archives as if they were files: `shard.tar/000001.jpg`.

An archive is never unpacked: its headers say where each member begins, and the member's bytes are
read from there. Links, devices, sparse files, and names that lead out of the archive are left out.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

SUFFIX = b".tar"
MOST_MEMBERS = 1_000_000
_LARGEST_HEADER = 1 << 20  # bytes of the long names and notes before a member
_BLOCK = 512
_ARCHIVES_KEPT = 8  # whose members a process knows


class Member(NamedTuple):
    """A member's bytes: the first one's place in the archive, and their number."""

    offset: int
    size: int


class FileFacts(NamedTuple):
    """A file's size and time of change; a member changes with its archive."""

    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Archive:
    """The members of an archive by name, and its flaw in words; empty if it is whole."""

    members: Mapping[bytes, Member] = field(default_factory=dict)
    flaw: str = ""


class _Headers(io.FileIO):
    """An archive from which nothing but headers is read: a longer read is a false header's."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= _LARGEST_HEADER:
            raise ValueError("too long a header")
        return super().read(size) or b""


def archive_at(path: bytes) -> Archive:
    """The members of an archive; raises OSError if it cannot be opened."""
    state = os.stat(path)  # noqa: PTH116 - bytes
    return _archive(path, state.st_size, state.st_mtime_ns)


def open_file(path: str | bytes | Path) -> BinaryIO:
    """A file opened for reading, or the bytes of a member; raises OSError."""
    try:
        return open(path, "rb")  # noqa: PTH123 - bytes, and the caller closes it
    except NotADirectoryError:
        archive, member = _found(os.fsencode(path))
    with open(archive, "rb") as file:  # noqa: PTH123 - bytes
        file.seek(member.offset)
        return io.BytesIO(file.read(member.size))


def facts_of(path: str | bytes | Path) -> FileFacts:
    """The size and time of change of a file or a member; raises OSError."""
    try:
        state = os.stat(path)  # noqa: PTH116 - bytes
    except NotADirectoryError:
        archive, member = _found(os.fsencode(path))
        return FileFacts(member.size, os.stat(archive).st_mtime_ns)  # noqa: PTH116 - bytes
    return FileFacts(state.st_size, state.st_mtime_ns)


def is_member(path: str | bytes | Path) -> bool:
    """Whether a path is that of a member of an archive."""
    try:
        _found(os.fsencode(path))
    except OSError:
        return False
    return True


def _found(path: bytes) -> tuple[bytes, Member]:
    """The archive on a path, and the member that the rest of it names; raises OSError."""
    end = path.lower().find(SUFFIX + b"/")
    while end >= 0:
        archive, name = path[: end + len(SUFFIX)], path[end + len(SUFFIX) + 1 :]
        state = os.stat(archive)  # noqa: PTH116 - bytes
        if stat.S_ISREG(state.st_mode):
            members = _archive(archive, state.st_size, state.st_mtime_ns).members
            if name in members:
                return archive, members[name]
            break
        end = path.lower().find(SUFFIX + b"/", end + 1)
    raise FileNotFoundError(2, "no such file, or member of an archive", os.fsdecode(path))


@lru_cache(_ARCHIVES_KEPT)
def _archive(path: bytes, size: int, mtime_ns: int) -> Archive:
    tarfile = import_module("tarfile")  # imported late: hardly any library needs it
    members: dict[bytes, Member] = {}
    try:
        with (
            _Headers(path) as file,
            tarfile.open(
                fileobj=file, mode="r:", encoding="utf-8", errors="surrogateescape"
            ) as tar,
        ):
            for info in _infos(tar):
                name = _plain_name(info.name)
                if info.isreg() and not info.issparse() and name:
                    if info.offset_data + info.size > size:
                        return Archive(members, _cut(members))
                    members[name] = Member(info.offset_data, info.size)
                if len(members) >= MOST_MEMBERS:
                    return Archive(members, f"only its first {MOST_MEMBERS:,} members are read")
            is_whole = not any(_block_at(file, tar.offset))
    except (tarfile.TarError, ValueError, OverflowError):
        is_whole = False
    return Archive(members, "" if is_whole else _cut(members))


def _infos(tar: Any) -> Iterator[Any]:
    while (info := tar.next()) is not None:
        yield info
        tar.members.clear()  # it would keep a kilobyte of each


def _block_at(file: io.FileIO, offset: int) -> bytes:
    file.seek(offset)
    return file.read(_BLOCK)


def _cut(members: Mapping[bytes, Member]) -> str:
    return f"damaged or cut short after {len(members):,} members (copy it again from its source)"


def _plain_name(name: str) -> bytes:
    """The name of a member below its archive; empty if it leads anywhere else."""
    parts = name.removeprefix("./").split("/")
    return b"" if {"", ".", ".."} & set(parts) else os.fsencode(name.removeprefix("./"))
