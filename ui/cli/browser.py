"""`picfuse ui`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

import ui as package
from ui.cli.group import library_options
from ui.views.options import STREAMLIT_OPTIONS


@click.command(epilog="Example: picfuse ui --port 8600")
@click.option("--port", type=click.IntRange(1, 65535), default=8501, show_default=True)
@click.option("--no-browser", is_flag=True, help="Only print the address.")
@library_options
@click.pass_context
def ui(ctx: click.Context, port: int, no_browser: bool, library: Path, offline: bool) -> None:
    """Open the browser app on the library; it listens on this machine only."""
    headless = "true" if no_browser else "false"
    options = STREAMLIT_OPTIONS | {"server.port": str(port), "server.headless": headless}
    command = [sys.executable, "-m", "streamlit", "run", str(app_file())]
    command += [f"--{name}={value}" for name, value in options.items()]
    command += ["--", "--library", str(library.expanduser().absolute())]
    command += ["--offline"] if offline else []
    try:
        ctx.exit(subprocess.run(command).returncode)
    except KeyboardInterrupt:
        ctx.exit(0)


def app_file() -> Path:
    """The app's script, inside the installed package."""
    return Path(package.__file__ or "").parent / "app.py"
