"""File systems: whether a folder lies on one of the network."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

_NETWORK = ("nfs", "cifs", "smb", "afs", "afpfs", "9p", "ncpfs", "ceph", "glusterfs", "lustre")
_NETWORK_FUSE = ("sshfs", "rclone", "davfs", "gvfsd", "s3fs", "glusterfs", "ceph", "smbnetfs")


def is_network(folder: Path) -> bool:
    """Whether a folder lies on a network file system, where memory is not shared between hosts.

    SQLite's WAL needs such memory, so a library there is kept with a rollback journal.
    """
    place = os.path.realpath(folder)
    mounts = psutil.disk_partitions(all=True)
    containing = [mount for mount in mounts if _lies_in(place, mount.mountpoint)]
    if not containing:
        return False
    # Of several mounts on one place (as with an automounter) the last one is visible.
    kind = max(reversed(containing), key=lambda mount: len(mount.mountpoint))
    name = kind.fstype.lower()
    by_fuse = name.startswith("fuse") and any(one in name for one in _NETWORK_FUSE)
    return by_fuse or name.startswith(_NETWORK) or "remote" in kind.opts.split(",")


def _lies_in(place: str, mountpoint: str) -> bool:
    return place == mountpoint or place.startswith(mountpoint.rstrip(os.sep) + os.sep)
