"""Files near the pictures of a folder: those that a scan meets, and folders that none enters."""

from dataclasses import dataclass, field

from indexer.kinds.folders import kind_left_out
from indexer.kinds.passed_over import PassedOver


@dataclass(slots=True)
class NearbyFiles:
    """Files and folders that a scan for pictures met, by their path below the scanned folder.

    `files` have one of the `suffixes` (lower case, with a dot), excluded or not; `excluded` are
    folders that a pattern kept it from entering; `links` are folders entered through a link.
    `passed` are the other files that are not pictures, and folders that are left out unasked.
    """

    suffixes: frozenset[bytes] = frozenset()
    files: list[bytes] = field(default_factory=list)
    excluded: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    passed: list[PassedOver] = field(default_factory=list)


def is_skipped(name: bytes) -> bool:
    """Whether a file or folder of this name is not looked at: hidden, a bin, a program's own."""
    return bool(kind_left_out(name))
