"""`picfuse ui`."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import click

import ui as package
from indexer.errors import InputError
from indexer.interpreter import module_command, module_environment
from ui.cli.group import library_options
from ui.views.options import STREAMLIT_OPTIONS


@click.command(epilog="Example: picfuse ui --port 8600")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@library_options
def ui(port: int, no_browser: bool, library: Path, offline: bool) -> None:
    """Open the browser app on the library; it listens on this machine only."""
    _check_port(port)
    headless = "true" if no_browser else "false"
    options = STREAMLIT_OPTIONS | {"server.port": str(port), "server.headless": headless}
    command = module_command("streamlit", "run", str(app_file()))
    command += [f"--{name}={value}" for name, value in options.items()]
    command += ["--", "--library", str(library.expanduser().absolute())]
    command += ["--offline"] if offline else []
    # In place of this process: whatever ends picfuse ends the server too.
    os.execve(command[0], command, module_environment())


def _check_port(port: int) -> None:
    """Raise `InputError` for a port that is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError as error:
            raise InputError(f"port {port} is taken; choose another with --port") from error


def app_file() -> Path:
    """The app's script, inside the installed package."""
    return Path(package.__file__ or "").parent / "app.py"
