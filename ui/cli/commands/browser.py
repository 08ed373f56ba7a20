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
from ui.views.options import server_flags


@click.command(epilog="Example: picfuse ui --port 8600")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8501,
    show_default=True,
    help="Port to listen on.",
)
@click.option("--no-browser", is_flag=True, help="Print the address, but open no browser.")
@click.option(
    "--allow-delete",
    is_flag=True,
    help="Let the page of duplicates move copies to the trash of this system.",
)
@click.option(
    "--allow-write",
    is_flag=True,
    help="Let the page of captions write accepted captions into files beside their pictures.",
)
@library_options
def ui(
    port: int, no_browser: bool, allow_delete: bool, allow_write: bool, library: Path, offline: bool
) -> None:
    """Open the browser app. It listens on this machine only, and changes no file unless allowed."""
    _check_port(port)
    command = module_command("ui.views.server", "run", str(app_file()))
    command += server_flags(port, headless=no_browser)
    command += ["--", "--library", str(library.expanduser().absolute())]
    flags = {"--offline": offline, "--allow-delete": allow_delete, "--allow-write": allow_write}
    command += [flag for flag, given in flags.items() if given]
    _leave_folder()
    click.echo(f"picfuse: open http://localhost:{port} (Ctrl-C stops it)", err=True)
    # The server replaces this process, so whatever ends picfuse ends the server too.
    os.execve(command[0], command, module_environment())


def _leave_folder() -> None:
    """Go home: Streamlit would read `.streamlit/config.toml` of the current folder."""
    home = Path("~").expanduser()
    os.chdir(home if home.is_dir() else "/")


def _check_port(port: int) -> None:
    """Raise `InputError` for a port in use."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("localhost", port))
        except OSError as error:
            raise InputError(f"port {port} is in use; choose another with --port") from error


def app_file() -> Path:
    """The app's script, inside the installed package."""
    return Path(package.__file__ or "").parent / "app.py"
