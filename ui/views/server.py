"""Streamlit's server for `picfuse ui`: its command line, and what the app adds to it.

When another web page tries to reach the app, Streamlit looks up its own public address (at
amazonaws.com) to compare the two. This app stays offline, so that there is no such look-up.
"""

from __future__ import annotations

import os
import socket
from typing import Any

from starlette.middleware import Middleware
from streamlit import net_util
from streamlit.web.cli import main

from indexer.errors import InputError
from ui.gallery.assets import asset_routes
from ui.views.options import HOSTS, PASSWORD, AppOptions
from ui.web.guard import Guard
from ui.web.libraries import KeptLibrary
from ui.web.login import Login
from ui.web.routes import PREFIX, picture_routes


def server_parts(options: AppOptions) -> dict[str, Any]:
    """Routes and middleware of the app, by their names in `st.App`."""
    routes = [*asset_routes(PREFIX), *picture_routes(KeptLibrary(options.library))]
    return {"routes": routes, "middleware": [_guard(options)]}


def _guard(options: AppOptions) -> Middleware:
    """The guard of an app that listens on this machine only, or of one that others reach.

    Raises `InputError` if others reach it without a password.
    """
    password = os.environ.pop(PASSWORD, "")  # no process of this one needs it
    if not options.listen:
        return Middleware(Guard, HOSTS)
    if not password:
        raise InputError(f"--listen: no password; set {PASSWORD}, or start it by 'picfuse ui'")
    name = socket.gethostname()
    return Middleware(Guard, (*HOSTS, name, f"{name}.local"), Login(password))


def no_address() -> None:
    """Public address of this machine: none."""


if __name__ == "__main__":
    net_util.get_external_ip = no_address
    net_util.get_internal_ip = no_address
    main(prog_name="streamlit")
