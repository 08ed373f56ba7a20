"""`picfuse ui`."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

import ui as package
from indexer.errors import InputError
from indexer.interpreter import module_command, module_environment
from indexer.library.address import not_an_address
from ui.cli.group import library_options
from ui.views.options import PASSWORD, server_flags

_EVERY = ("0.0.0.0", "::")
_LEAST = 8  # letters of a password


@click.command(
    epilog="\b\nExamples:\n  picfuse ui --port 8600\n"
    "  picfuse ui --listen 0.0.0.0     for other devices in your network"
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8501,
    show_default=True,
    help="Port to listen on.",
)
@click.option(
    "--listen",
    metavar="ADDRESS",
    help="Let other devices open the app, with a password: listen on this address of the machine, "
    f"0.0.0.0 for all. {PASSWORD} sets the password; otherwise a random one is printed.",
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
    port: int,
    listen: str | None,
    no_browser: bool,
    allow_delete: bool,
    allow_write: bool,
    library: Path,
    offline: bool,
) -> None:
    """Open the browser app. It listens on this machine only, and changes no file.

    The options below let it do more.
    """
    not_an_address(library)
    _check_port(port, listen or "localhost")
    environment = module_environment()
    command = module_command("ui.views.server", "run", str(app_file()))
    command += server_flags(port, headless=no_browser, listen=listen or "")
    command += ["--", "--library", str(library.expanduser().absolute())]
    flags = {"--offline": offline, "--allow-delete": allow_delete, "--allow-write": allow_write}
    command += [flag for flag, given in flags.items() if given]
    if listen:
        command += ["--listen"]
        click.echo("picfuse: the connection is not encrypted; use a network you trust", err=True)
        environment |= {PASSWORD: _password(environment.get(PASSWORD, ""))}
    _leave_folder()
    for address in _addresses(listen) if listen else ["localhost"]:
        click.echo(f"picfuse: open http://{address}:{port} (Ctrl-C stops it)", err=True)
    # The server replaces this process, so whatever ends picfuse ends the server too.
    os.execve(command[0], command, environment)


def _password(given: str) -> str:
    """The password to ask for: the given one, or a random one, which is printed.

    Raises `InputError` for a short one.
    """
    if not given:
        given = str(import_module("ui.web.login").random_password())
        click.echo(f"picfuse: password {given} ({PASSWORD} sets another)", err=True)
    if len(given) < _LEAST:
        raise InputError(f"{PASSWORD}: too short; use {_LEAST} characters or more")
    return given


def _addresses(listen: str) -> Iterator[str]:
    """The addresses by which other devices reach the app."""
    if listen not in _EVERY:
        yield f"[{listen}]" if ":" in listen else listen
        return
    psutil = import_module("psutil")
    for own in psutil.net_if_addrs().values():
        for one in own:
            if one.family == socket.AF_INET and not one.address.startswith("127."):
                yield one.address
    yield "localhost"


def _leave_folder() -> None:
    """Go home: Streamlit would read `.streamlit/config.toml` of the current folder."""
    home = Path("~").expanduser()
    os.chdir(home if home.is_dir() else "/")


def _check_port(port: int, address: str) -> None:
    """Raise `InputError` for a port in use, or an address that this machine does not have."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                raise InputError(f"port {port} is in use; choose another with --port") from error
            problem = f"--listen: {address!r} is no address of this machine; try 0.0.0.0 for all"
            raise InputError(problem) from error


def app_file() -> Path:
    """The app's script, inside the installed package."""
    return Path(package.__file__ or "").parent / "app.py"
