"""A service that runs in this process: for clients of a test, or on a free port."""

import threading
import time
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi.testclient import TestClient

from ui.service.app import create_app
from ui.service.server import bind
from ui.service.settings import ServiceSettings

HOST = "testserver"  # the name by which the test's client asks


def settings_of(library: Path, **options) -> ServiceSettings:
    """Settings of a service of one library."""
    return ServiceSettings(
        libraries={"colours": library}, hosts=frozenset({HOST, "127.0.0.1"}), **options
    )


@contextmanager
def client_of(library: Path, **options):
    """A client of a service without a network."""
    with TestClient(create_app(settings_of(library, **options)), f"http://{HOST}") as client:
        yield client


@contextmanager
def address_of(library: Path, **options):
    """The address of a service that listens on this machine."""
    bound = bind("127.0.0.1", 0)
    app = create_app(settings_of(library, **options))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
