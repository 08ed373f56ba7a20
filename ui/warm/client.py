"""The client of a warm service: sends a command, and gets what it prints."""

from __future__ import annotations

import base64
import binascii
import json
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ui.warm.place import installation, is_own_peer, is_private, socket_path

CONNECTING = 0.5  # seconds: a service that is busy takes connections all the same
ANSWERING = 20.0  # seconds, after which this process answers by itself


@dataclass(frozen=True, slots=True)
class WarmReply:
    """Bytes that a command prints on standard output and error, and its exit status."""

    out: bytes
    err: bytes
    status: int


def ask(library: Path, command: Mapping[str, Any]) -> WarmReply | None:
    """The reply of a warm service of this library; None if it has to be answered here.

    No service, one of another version or user, a stale socket, a command that a service does not
    take, or an error: all of these are answered here, where errors are told.
    """
    path = socket_path(library)
    if path is None or not is_private(path.parent) or not path.is_socket():
        return None
    request = {"installation": installation(), "terminal": _terminals(), "command": command}
    try:
        with closing(socket.socket(socket.AF_UNIX)) as connected:
            connected.settimeout(CONNECTING)
            connected.connect(str(path))
            if not is_own_peer(connected):
                return None
            connected.settimeout(ANSWERING)
            connected.sendall(json.dumps(request).encode() + b"\n")
            with connected.makefile("rb") as stream:
                return _reply(json.loads(stream.readline()))
    except (OSError, ValueError, KeyError, TypeError, binascii.Error):
        return None


def _reply(fields: Mapping[str, Any]) -> WarmReply | None:
    if "status" not in fields:
        return None
    out, err = (base64.b64decode(fields[name], validate=True) for name in ("out", "err"))
    return WarmReply(out, err, int(fields["status"]))


def _terminals() -> list[dict[str, Any]]:
    """The encoding of both streams, and whether each is a terminal, which has colours."""
    return [
        {
            "encoding": stream.encoding,
            "errors": stream.errors,
            "terminal": stream.isatty(),
        }
        for stream in (sys.stdout, sys.stderr)
    ]
