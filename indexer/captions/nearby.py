"""Files near the pictures of a folder: those that a scan meets, and folders that none enters."""

from collections import Counter
from dataclasses import dataclass, field

# Folders of systems, in lower case; hidden ones, such as .Trash-1000, are skipped anyway.
_SYSTEM_FOLDERS = frozenset(
    {
        b"@eadir",  # thumbnails of a Synology NAS, and its bin and its old states
        b"#recycle",
        b"#snapshot",
        b"@recycle",  # of a QNAP NAS
        b"@recently-snapshot",
        b"$recycle.bin",  # of Windows, today and before Vista
        b"recycler",
        b"system volume information",
        b"lost+found",  # of a repair of ext4
        b"__macosx",  # metadata of files that macOS zipped
    }
)


@dataclass(slots=True)
class NearbyFiles:
    """Files and folders that a scan for pictures met, by their path below the scanned folder.

    `files` have one of the `suffixes` (lower case, with a dot), excluded or not; `excluded` are
    folders that a pattern kept it from entering; `links` are folders entered through a link.
    `others` counts all other files that are not pictures, by suffix in lower case.
    """

    suffixes: frozenset[bytes] = frozenset()
    files: list[bytes] = field(default_factory=list)
    excluded: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
    others: Counter[bytes] = field(default_factory=Counter)


def is_skipped(name: bytes) -> bool:
    """Whether a file or folder of this name is never looked at: it is hidden, or the system's."""
    return name.startswith(b".") or name.lower() in _SYSTEM_FOLDERS
