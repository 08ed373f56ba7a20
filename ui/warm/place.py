"""The place of the socket by which a service answers `picfuse search` for a library.

Only standard modules: a warm query imports little else.
"""

from __future__ import annotations

import hashlib
import os
import socket
import stat
import struct
import sys
import tempfile
from pathlib import Path

LONGEST = 100  # bytes of a socket's path, which a kernel limits to 104 or 108


def socket_path(library: Path) -> Path | None:
    """The path of a library's socket; None where there can be none."""
    if not hasattr(socket, "AF_UNIX"):
        return None
    name = hashlib.sha256(os.fsencode(os.path.realpath(library))).hexdigest()[:24]
    path = _folder() / f"{name}.sock"
    return path if len(os.fsencode(path)) <= LONGEST else None


def _folder() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_absolute():
        return Path(runtime) / "picfuse"
    return Path(tempfile.gettempdir()) / f"picfuse-{os.geteuid()}"


def is_private(folder: Path) -> bool:
    """Whether a folder is this user's alone: others could put a socket of theirs elsewhere."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    mine = found.st_uid == os.geteuid() and not stat.S_IMODE(found.st_mode) & 0o077
    return stat.S_ISDIR(found.st_mode) and mine


def is_own_peer(connected: socket.socket) -> bool:
    """Whether the process at the other end belongs to this user, where the system tells."""
    if sys.platform != "linux":
        return True  # the folder of the socket is this user's alone
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack(
        "3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return bool(user == os.geteuid())


def installation() -> str:
    """Identity of the installed code: an upgrade changes it, so versions never mix."""
    root = Path(__file__).parents[2]
    files = (root / room / "__init__.py" for room in ("indexer", "search", "ui"))
    return repr([(str(file), file.stat().st_ino, file.stat().st_mtime_ns) for file in files])
