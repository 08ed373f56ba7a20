"""Files near the pictures of a folder: those that a scan meets, and folders that none enters."""

from dataclasses import dataclass, field

# Where a Synology NAS keeps its thumbnails, and macOS the metadata of the files that it zips.
SKIPPED_FOLDERS = frozenset({b"@eaDir", b"__MACOSX"})


@dataclass(slots=True)
class NearbyFiles:
    """Files and folders that a scan for pictures met, by their path below the scanned folder.

    `files` have one of the `suffixes` (lower case, with a dot), excluded or not; `excluded` are
    folders that a pattern kept it from entering; `links` are folders entered through a link.
    """

    suffixes: frozenset[bytes] = frozenset()
    files: list[bytes] = field(default_factory=list)
    excluded: list[bytes] = field(default_factory=list)
    links: list[bytes] = field(default_factory=list)
