"""`picfuse serve`."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from indexer.kinds.extras import missing_extra
from ui.cli.group import offline_option
from ui.cli.options.serving import (
    access_options,
    hosts,
    libraries_by_name,
    libraries_option,
    limit_options,
    shown,
    token_for,
)

NEEDED = ("fastapi", "uvicorn", "prometheus_client", "python_multipart")
MIB = 2**20


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

    /openapi.json describes the endpoints. Only programs on this machine can connect, unless --host
    says otherwise. Ctrl-C stops the service after the requests under way.
    """
    check_extra("serve", "serve", *NEEDED)
    libraries = libraries_by_name(named)
    token = token_for(host, token_file)
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
