"""Transports of the tool server: standard streams, and HTTP behind the guard of the service."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module

from indexer.errors import PicfuseError
from ui.service.served import Libraries
from ui.service.settings import ServiceSettings
from ui.tools.server import create_server

PATH = "/mcp"


def run_on_streams(settings: ServiceSettings, *, allow_write: bool) -> None:
    """Answer a client on standard input and output, until it closes them."""
    libraries = Libraries(settings.libraries, _unobserved, offline=settings.offline)
    server = create_server(libraries, allow_write=allow_write)
    threading.Thread(target=_warm, args=(libraries,), name="warming", daemon=True).start()
    try:
        server.run("stdio")
    finally:
        libraries.close()


def run_on_http(
    settings: ServiceSettings,
    bound: socket.socket,
    ready: Callable[[], None],
    *,
    allow_write: bool,
) -> None:
    """Answer clients over HTTP at `PATH`, until SIGINT or SIGTERM.

    Needs the packages of the service too: its guard checks hosts, origins, token and rate.
    """
    security = import_module("mcp.server.transport_security").TransportSecuritySettings
    metrics = import_module("ui.service.metrics").Metrics()
    libraries = Libraries(settings.libraries, metrics.encoded, offline=settings.offline)
    server = create_server(libraries, allow_write=allow_write)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        max_request_body_size=settings.limits.body,
        transport_security=security(enable_dns_rebinding_protection=False),  # the guard does it
    )
    app.add_middleware(import_module("ui.service.guard").Guard, settings=settings, metrics=metrics)
    try:
        libraries.warm()
        import_module("ui.service.server").run_app(app, bound, ready)
    finally:
        libraries.close()


def _warm(libraries: Libraries) -> None:
    with suppress(PicfuseError):  # the first tool that asks tells it
        libraries.warm()


def _unobserved(kind: str, size: int) -> None:
    """Count nothing: standard streams have no metrics."""
