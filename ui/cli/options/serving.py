"""Options of commands that serve libraries: names of libraries, a token, addresses and limits."""

from __future__ import annotations

import os
from pathlib import Path

import click

from indexer.errors import InputError
from indexer.library.address import is_address
from indexer.locations import default_library
from ui.cli.options.grouping import grouped
from ui.cli.options.paths import UserPath, UserText

PORT = 8600
LOCAL = ("localhost", "127.0.0.1", "::1")
LIBRARY = "PICFUSE_LIBRARY"
TOKEN = "PICFUSE_TOKEN"  # in the environment: no argument, which everybody could read

libraries_option = click.option(
    "--library",
    "named",
    type=UserText(),
    multiple=True,
    metavar="[NAME=]DIRECTORY",
    help="Library to serve. May be repeated, with a name for each; clients choose by 'library'.  "
    f"[env var: {LIBRARY}]",
)

access_options = grouped(
    click.option(
        "--token-file",
        type=UserPath(),
        help="File with the token that clients must send. The environment variable "
        f"{TOKEN} can give it instead.",
    ),
    click.option(
        "--host-name",
        "host_names",
        multiple=True,
        metavar="NAME",
        help="Another name by which clients address this machine. May be repeated.",
    ),
    click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=PORT,
        show_default=True,
        help="Port to listen on; 0 for any free one.",
    ),
    click.option(
        "--host",
        default="127.0.0.1",
        show_default=True,
        help="Address to listen on. One that other machines can reach needs a token.",
    ),
)

limit_options = grouped(
    click.option(
        "--rate",
        type=click.FloatRange(0),
        default=100.0,
        show_default=True,
        help="Most requests per second from one client; 0 for any number.",
    ),
    click.option(
        "--time-limit",
        type=click.FloatRange(0.1),
        default=30.0,
        show_default=True,
        help="Most seconds for an answer.",
    ),
    click.option(
        "--max-body",
        type=click.IntRange(1),
        default=32,
        show_default=True,
        help="Most megabytes in a request.",
    ),
)


def libraries_by_name(named: tuple[str, ...]) -> dict[str, Path]:
    """The paths of libraries by name. Raises `InputError` for a name that is used twice."""
    found: dict[str, Path] = {}
    for said in named or (os.environ.get(LIBRARY) or str(default_library()),):
        name, equals, path = said.partition("=")
        if not equals or "/" in name or not name:
            name, path = "library" if len(named) < 2 else _whole(said).name, said
        if name in found:
            raise InputError(f"--library: two libraries are named {name!r}; write NAME=DIRECTORY")
        found[name] = Path(path) if is_address(path) else _whole(path)
    return found


def _whole(path: str) -> Path:
    """An absolute path without "..", so that "." has a name too."""
    return Path(os.path.abspath(os.path.expanduser(path)))  # noqa: PTH111 - "~nobody"


def token_for(host: str, file: Path | None) -> str | None:
    """The token of a file or of the environment, None for neither.

    Raises `InputError` for a file without one, and for an address that others can reach without a
    token.
    """
    token = (os.environ.get(TOKEN) or None) if file is None else _token_in(file)
    if host not in LOCAL and token is None:
        raise InputError(
            f"--host {host}: other machines could search your pictures; give a token with "
            f"--token-file or {TOKEN}"
        )
    return token


def _token_in(file: Path) -> str:
    try:
        token = file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise InputError(f"{file}: no token can be read ({error.strerror})") from error
    if not token or not token.isprintable():
        raise InputError(f"{file}: has no token; write a long random text into it")
    return token


def hosts(host: str, names: tuple[str, ...]) -> frozenset[str]:
    """The names under which browsers may address the service."""
    own = {"localhost", "127.0.0.1", "[::1]", shown(host).lower()}
    return frozenset(own | {name.lower() for name in names})


def shown(host: str) -> str:
    """A host as an address has it."""
    return f"[{host}]" if ":" in host else host
