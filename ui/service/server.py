"""The server of a service: uvicorn on an address, until a signal ends it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from indexer.errors import InputError
from ui.service.app import create_app
from ui.service.settings import ServiceSettings

GRACE = 20  # seconds that requests under way may still take
BACKLOG = 256  # connections that may wait to be taken
_LOGGED = "%(asctime)s %(levelname)s %(message)s"


class Server(uvicorn.Server):
    """uvicorn, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the requests under way; a signal is no error, so it is not raised again."""
        super().handle_exit(sig, frame)
        self._captured_signals.clear()


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens on an address. Raises `InputError` for one that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        reason = error.strerror or str(error)
        raise InputError(
            f"cannot listen on {host}, port {port} ({reason}); choose others with --host and --port"
        ) from error
    return bound


def serve(settings: ServiceSettings, bound: socket.socket, ready: Callable[[], None]) -> None:
    """Serve libraries on a bound socket until SIGINT or SIGTERM.

    Opens the libraries first. Raises what that raises. `ready` is called when clients can ask.
    """
    app = create_app(settings)
    app.state.desk.libraries.warm()
    logging.basicConfig(format=_LOGGED, level=logging.WARNING)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=30,
        backlog=BACKLOG,
        lifespan="on",
    )
    Server(config, ready).run(sockets=[bound])
