"""The server of a service: uvicorn on an address, until a signal ends it."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from indexer.errors import InputError
from ui.cli.commands.answering import warm_status
from ui.service.app import create_app
from ui.service.served import ServedLibrary
from ui.service.settings import ServiceSettings

GRACE = 20  # seconds that requests under way may still take
CONNECTIONS = 512  # at a time; more get status 503
BACKLOG = 256  # connections that may wait to be taken
_LOGGED = "%(asctime)s %(levelname)s %(message)s"


class Server(uvicorn.Server):
    """uvicorn, which says when it is ready, and when it begins to end."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], ending: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready, self._ending = ready, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the requests under way; a signal is no error, so it is not raised again."""
        self._ending()
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
    libraries = app.state.desk.libraries
    libraries.warm()
    # A full collection looks at every object, those of modules and libraries too: more than a
    # tenth of a second in the middle of a query. They stay to the end, so they are left out.
    gc.collect()
    gc.freeze()
    warm = {served.path: partial(_warm_status, served) for served in libraries}
    with _answering_commands(warm):
        run_app(app, bound, ready, app.state.desk.jobs.stop_all)


def _answering_commands(warm: Mapping[Path, Any]) -> AbstractContextManager[Any]:
    """Answer `picfuse search` too, where the system has sockets with names of files."""
    if not hasattr(socket, "AF_UNIX"):
        return nullcontext()
    found: AbstractContextManager[Any] = import_module("ui.warm.server").answering_commands(warm)
    return found


def run_app(
    app: ASGIApp,
    bound: socket.socket,
    ready: Callable[[], None],
    ending: Callable[[], None] = lambda: None,
) -> None:
    """Run an app on a bound socket until SIGINT or SIGTERM, when `ending` is called first."""
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
        limit_concurrency=CONNECTIONS,
        lifespan="on",
    )
    Server(config, ready, ending).run(sockets=[bound])


def _warm_status(served: ServedLibrary, command: Mapping[str, Any]) -> int | None:
    """Print what `picfuse search` asks of a library; its exit status."""
    with served.asking() as searcher:
        return warm_status(searcher, command)
