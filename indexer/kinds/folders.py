"""Folders that hold nothing a user looks for: bins, old states, copies that programs made."""

from __future__ import annotations

from collections.abc import Mapping

BIN, SNAPSHOT, DERIVATIVES = "recycle bin", "snapshot", "folder of derived pictures"
SYSTEM, NO_MEDIA, HIDDEN = "system folder", "folder with .nomedia", "hidden folder"
NO_MEDIA_FILE = b".nomedia"

_NAMES: Mapping[bytes, str] = {
    **dict.fromkeys(
        (
            b"#recycle",  # of a Synology NAS
            b"@recycle",  # of a QNAP NAS
            b"@recycle.bin",
            b"$recycle.bin",  # of Windows, today and before Vista
            b"recycler",
            b"recycled",
            b"recycle.bin",
            b".recycle.bin",
            b"network trash folder",  # of macOS on a server
            b".recycle",  # of Samba
            b"trash",
            b".trash",
            b".trashes",
            b"trashbox",  # of a Buffalo NAS
            b".dtrash",  # of digiKam
            b".trashed",
            b"files_trashbin",  # of Nextcloud
            b"deleted items",
        ),
        BIN,
    ),
    **dict.fromkeys(
        (
            b"#snapshot",
            b"@recently-snapshot",
            b"@snapshot",
            b"@gmt",
            b".snapshot",  # of NetApp and Btrfs
            b".snapshots",
            b"~snapshot",
            b".picasaoriginals",  # as they were before Picasa changed them
            b".zfs",
            b".stversions",  # of Syncthing
            b"files_versions",  # of Nextcloud
            b"backups.backupdb",  # of Time Machine
            b".mobilebackups",
        ),
        SNAPSHOT,
    ),
    **dict.fromkeys(
        (
            b"@eadir",  # thumbnails of a Synology NAS
            b".@__thumb",  # of a QNAP NAS
            b"@__thumb",
            b".thumbnails",
            b".thumb",
            b"_thumbs",
            b"_thumb",
            b"ipod photo cache",
            b".bridgecache",
            b".xvpics",
        ),
        DERIVATIVES,
    ),
    **dict.fromkeys(
        (
            b"system volume information",
            b"lost+found",  # of a repair of ext4
            b"found.000",  # of Windows
            b"__macosx",  # metadata of files that macOS zipped
            b"@tmp",  # of a Synology NAS
            b"#tmp",
            b"@synologycloudsync",
            b"@sharebin",
        ),
        SYSTEM,
    ),
}
_STARTS = ((b".trash-", BIN), (b".trashed-", BIN), (b"found.0", SYSTEM))
_ENDS = (
    (b".lrdata", DERIVATIVES),  # Lightroom's previews
    (b".noindex", DERIVATIVES),
    (b".cosessiondb", DERIVATIVES),
)
_LIBRARIES = (b".photoslibrary", b".photolibrary", b".migratedphotolibrary", b".aplibrary")
_ORIGINALS = frozenset({b"originals", b"masters", b"original"})
_CACHES: Mapping[bytes, frozenset[bytes]] = {  # of programs, by the folder above
    b"captureone": frozenset({b"cache"}),
    b"iphoto library": frozenset({b"thumbnails", b"previews", b"data", b"data.noindex"}),
}


def kind_left_out(name: bytes, above: bytes = b"") -> str:
    """The kind of a folder that is left out, by its name and that of the folder it is in.

    Empty for a folder to enter; `HIDDEN` for any other name that begins with a dot.
    """
    lowered = name.lower()
    if kind := _NAMES.get(lowered):
        return kind
    if lowered.startswith((b".", b"found.")):
        return next((kind for start, kind in _STARTS if lowered.startswith(start)), _hidden(name))
    for end, kind in _ENDS:
        if lowered.endswith(end):
            return kind
    return _of_library(lowered, above.lower()) if above else ""


def _hidden(name: bytes) -> str:
    return HIDDEN if name.startswith(b".") else ""


def _of_library(name: bytes, above: bytes) -> str:
    """The kind of a folder in a photo library: only the originals are the user's."""
    if above.endswith(_LIBRARIES) and name not in _ORIGINALS:
        return DERIVATIVES
    caches = _CACHES.get(above) or (_CACHES[b"captureone"] if above.endswith(b".cocatalog") else ())
    return DERIVATIVES if name in caches else ""
