"""`picfuse serve`."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from indexer.errors import InputError
from indexer.kinds.extras import missing_extra
from indexer.locations import default_library
from ui.cli.group import offline_option
from ui.cli.options.paths import UserPath, UserText
from ui.cli.options.searching import grouped

PORT = 8600
NEEDED = ("fastapi", "uvicorn", "prometheus_client", "python_multipart")
LOCAL = ("localhost", "127.0.0.1", "::1")
MIB = 2**20
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
        help=f"File with a token that clients must send. Also taken from the variable {TOKEN}.",
    ),
    click.option(
        "--host-name",
        "host_names",
        multiple=True,
        metavar="NAME",
        help="A further name by which clients address this machine. May be repeated.",
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
        help="Address to listen on. Any but this machine's own needs a token.",
    ),
)

limit_options = grouped(
    click.option(
        "--rate",
        type=click.FloatRange(0),
        default=100.0,
        show_default=True,
        help="Most requests a second of one client; 0 for any number.",
    ),
    click.option(
        "--time-limit",
        type=click.FloatRange(0.1),
        default=30.0,
        show_default=True,
        help="Seconds an answer may take.",
    ),
    click.option(
        "--max-body",
        type=click.IntRange(1),
        default=32,
        show_default=True,
        help="Megabytes a request may send.",
    ),
)


@click.command(
    epilog="\b\nExamples:\n  picfuse serve\n"
    "  picfuse serve --library family=~/family --library work=~/work\n"
    "  picfuse serve --host 0.0.0.0 --host-name nas.local --token-file ~/.picfuse-token"
)
@libraries_option
@access_options
@click.option("--paths", is_flag=True, help="Tell clients the paths of pictures.")
@click.option("--allow-index", is_flag=True, help="Let clients update the folders of a library.")
@click.option("--allow-urls", is_flag=True, help="Fetch pictures from public addresses.")
@limit_options
@offline_option
def serve(
    named: tuple[str, ...],
    host: str,
    port: int,
    host_names: tuple[str, ...],
    token_file: Path | None,
    max_body: int,
    time_limit: float,
    rate: float,
    paths: bool,
    allow_index: bool,
    allow_urls: bool,
    offline: bool,
) -> None:
    """Serve libraries over HTTP to programs of any language, and to 'picfuse search'.

    Clients find the endpoints in /openapi.json. Only this machine can ask, unless --host says
    otherwise. Ctrl-C stops it after the requests under way.
    """
    check_extra("serve", "serve", *NEEDED)
    libraries = libraries_by_name(named)
    token = read_token(token_file)
    check_access(host, token)
    settings = import_module("ui.service.settings")
    server = import_module("ui.service.server")
    bound = server.bind(host, port)
    asked = settings.ServiceSettings(
        libraries=libraries,
        token=token,
        hosts=hosts(host, host_names),
        paths=paths,
        urls=allow_urls,
        index=allow_index,
        offline=offline,
        limits=settings.Limits(body=max_body * MIB, seconds=time_limit, rate=rate),
    )
    address = f"http://{shown(host)}:{bound.getsockname()[1]}"
    said = f"picfuse: serving {', '.join(libraries)} at {address} (Ctrl-C stops it)"
    server.serve(asked, bound, lambda: click.echo(said, err=True))


def check_extra(command: str, extra: str, *packages: str) -> None:
    """Raise `ModelError` with the command that installs what a command lacks."""
    for package in packages:
        if find_spec(package) is None:
            raise missing_extra(f"'picfuse {command}'", package, extra)


def libraries_by_name(named: tuple[str, ...]) -> dict[str, Path]:
    """The paths of libraries by name. Raises `InputError` for a name that is used twice."""
    found: dict[str, Path] = {}
    for said in named or (os.environ.get(LIBRARY) or str(default_library()),):
        name, equals, path = said.partition("=")
        if not equals or "/" in name or not name:
            name, path = "library" if len(named) < 2 else Path(said).name, said
        if name in found:
            raise InputError(f"--library: two libraries are named {name!r}; write NAME=DIRECTORY")
        found[name] = Path(path).expanduser().absolute()
    return found


def read_token(file: Path | None) -> str | None:
    """The token of a file or of the environment. Raises `InputError` for none in the file."""
    if file is None:
        return os.environ.get(TOKEN) or None
    try:
        token = file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise InputError(f"{file}: no token can be read ({error.strerror})") from error
    if not token or not token.isprintable():
        raise InputError(f"{file}: has no token; write a long random text into it")
    return token


def check_access(host: str, token: str | None) -> None:
    """Raise `InputError` for an address that strangers can reach without a token."""
    if host not in LOCAL and token is None:
        raise InputError(
            f"--host {host}: other machines could search your pictures; give a token with "
            f"--token-file or {TOKEN}"
        )


def hosts(host: str, names: tuple[str, ...]) -> frozenset[str]:
    """The names under which browsers may address the service."""
    own = {"localhost", "127.0.0.1", "[::1]", shown(host).lower()}
    return frozenset(own | {name.lower() for name in names})


def shown(host: str) -> str:
    """A host as an address has it."""
    return f"[{host}]" if ":" in host else host
