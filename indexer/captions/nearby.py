"""Files near the pictures of a folder: those that a scan meets, and folders that none enters."""

import os
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from indexer.kinds.folders import kind_left_out
from indexer.kinds.passed_over import PassedOver


class FileState(NamedTuple):
    """Facts of a file that change with its contents: its size, and its times in nanoseconds."""

    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, state: os.stat_result) -> Self:
        """The part of a file's status that tells whether it has changed."""
        return cls(state.st_size, state.st_mtime_ns, state.st_ctime_ns)


@dataclass(slots=True)
class NearbyFiles:
    """Files and folders that a scan for pictures met, by their path below the scanned folder.

    `files` have one of the `suffixes` (lower case, with a dot), excluded or not; `excluded` are
    folders that a pattern kept it from entering; `links` are folders entered through a link.
    `passed` are the other files that are not pictures, and folders that are left out unasked.
    """

    suffixes: frozenset[bytes] = frozenset()
    files: dict[bytes, FileState] = field(default_factory=dict)
    excluded: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    passed: list[PassedOver] = field(default_factory=list)


def is_skipped(name: bytes) -> bool:
    """Whether a file or folder of this name is not looked at: hidden, a bin, a program's own."""
    return bool(kind_left_out(name))
