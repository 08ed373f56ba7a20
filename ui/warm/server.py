"""The warm side: a thread of a service answers commands by a socket of the user's own."""

from __future__ import annotations

import base64
import json
import logging
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ui.warm.place import installation, is_own_peer, is_private, socket_path
from ui.warm.streams import capturing, routed

LARGEST = 2**20  # bytes of a command
READING = 5.0  # seconds for it to arrive
AGAIN: Mapping[str, Any] = {"again": True}  # the client is to answer by itself

Answering = Callable[[Mapping[str, Any]], int | None]  # prints; exit status, None for "again"
logger = logging.getLogger(__name__)


class _Handler(socketserver.StreamRequestHandler):
    """One command of one client."""

    timeout = READING

    def handle(self) -> None:
        """Read the command, run it, and send what it printed."""
        assert isinstance(self.server, WarmServer)
        with suppress(OSError, ValueError):  # the client went away, or is none of ours
            if is_own_peer(self.connection):
                line = self.rfile.readline(LARGEST)
                reply = self.server.reply(json.loads(line)) if line.endswith(b"\n") else AGAIN
                self.wfile.write(json.dumps(reply).encode() + b"\n")


class WarmServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers commands on one library, each in a thread."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path, answering: Answering) -> None:
        self._answering, self._installation = answering, installation()
        before = os.umask(0o177)  # the socket is made with rights for this user alone
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(before)
        self._thread = threading.Thread(target=self.serve_forever, name="warm", daemon=True)
        self._thread.start()

    def reply(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """The reply to a request: what the command prints, or that the client has to do it."""
        if request["installation"] != self._installation:
            return AGAIN
        try:
            with capturing(request["terminal"]) as streams:
                status = self._answering(request["command"])
        except Exception as error:  # the client will meet it, and tell its user
            logger.info("left to the client: %s", error)
            return AGAIN
        return AGAIN if status is None else {"status": status, **_printed(streams)}

    def handle_error(self, request: object, client_address: object) -> None:
        """Log an error of a connection."""
        logger.exception("a warm query failed")


def _printed(streams: Sequence[Any]) -> dict[str, str]:
    out, err = (base64.b64encode(stream.content()).decode() for stream in streams)
    return {"out": out, "err": err}


@contextmanager
def answering_commands(libraries: Mapping[Path, Answering]) -> Iterator[list[Path]]:
    """Answer commands on libraries by sockets, as far as they can be made; yields their paths."""
    with ExitStack() as stack:
        stack.enter_context(routed())
        made = []
        for library, answering in libraries.items():
            path = socket_path(library)
            if path is None or not _is_free(path):
                continue
            try:
                stack.enter_context(_listening(path, answering))
            except OSError as error:  # such as a full disk: the service itself needs no socket
                logger.warning("%s: %s: 'picfuse search' stays cold", path, error)
            else:
                made.append(path)
        yield made


@contextmanager
def _listening(path: Path, answering: Answering) -> Iterator[None]:
    server = WarmServer(path, answering)
    made = path.lstat()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        with suppress(OSError):
            if path.lstat().st_ino == made.st_ino:
                path.unlink()


def _is_free(path: Path) -> bool:
    """Whether a socket can be made here; a stale one is deleted, a living one stays."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not is_private(path.parent):
        logger.warning("%s is not this user's alone: 'picfuse search' stays cold", path.parent)
        return False
    if not path.is_socket():
        return not os.path.lexists(path)
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.settimeout(1)
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return True
        except OSError:
            return False
    return False
