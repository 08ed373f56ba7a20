"""`picfuse mcp`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import click

from ui.cli.commands.serve import NEEDED, check_extra
from ui.cli.group import offline_option
from ui.cli.options.serving import (
    access_options,
    hosts,
    libraries_by_name,
    libraries_option,
    shown,
    token_for,
)


@click.command(
    epilog="\b\nExamples:\n  picfuse mcp\n  picfuse mcp --library ~/library --allow-write\n"
    "  picfuse mcp --http --port 8601"
)
@libraries_option
@click.option("--allow-write", is_flag=True, help="Let clients save albums.")
@click.option("--http", is_flag=True, help="Listen for clients over HTTP, at /mcp.")
@access_options
@offline_option
def mcp(
    allow_write: bool,
    http: bool,
    host: str,
    port: int,
    host_names: tuple[str, ...],
    token_file: Path | None,
    named: tuple[str, ...],
    offline: bool,
) -> None:
    """Let assistants search libraries, by the Model Context Protocol.

    An assistant starts this command itself and talks to it over standard input and output; with
    --http, it connects to a running one. It sees pictures and facts about them, but no paths.
    """
    check_extra("mcp", "mcp", "mcp")
    settings = import_module("ui.service.settings")
    transports = import_module("ui.tools.transports")
    libraries = libraries_by_name(named)
    if not http:
        asked = settings.ServiceSettings(libraries=libraries, offline=offline)
        transports.run_on_streams(asked, allow_write=allow_write)
        return
    check_extra("mcp --http", "serve", *NEEDED)
    token = token_for(host, token_file)
    bound = import_module("ui.service.server").bind(host, port)
    asked = settings.ServiceSettings(
        libraries=libraries, token=token, hosts=hosts(host, host_names), offline=offline
    )
    address = f"http://{shown(host)}:{bound.getsockname()[1]}/mcp"
    said = f"picfuse: tools for assistants at {address} (Ctrl-C stops it)"
    transports.run_on_http(
        asked, bound, lambda: click.echo(said, err=True), allow_write=allow_write
    )
