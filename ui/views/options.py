"""Start options of the browser app and settings of its server; imports no Streamlit."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.locations import default_library
from indexer.settings import DATE_ORDERS

# Server settings that `picfuse ui` passes on Streamlit's command line, where they override
# configuration files and the environment.
STREAMLIT_OPTIONS = {
    "server.address": "localhost",
    "server.enableCORS": "true",  # refuses the pages of other sites
    "server.enableXsrfProtection": "true",
    "server.enableStaticServing": "false",
    "server.enableAgentApi": "false",
    "server.fileWatcherType": "none",  # it would import every model library to watch its files
    "server.maxUploadSize": "64",  # MB, the limit of a query picture
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "client.allowedOrigins": "http://localhost",  # keeps out pages of streamlit.app
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": "true",  # and an offer to install developer tools
    "logger.level": "error",
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "global.developmentMode": "false",
    "theme.light.primaryColor": "#2f6f62",
    "theme.dark.primaryColor": "#5fb3a1",
}
# Names of this machine in requests; any other was made to lead here (DNS rebinding).
HOSTS = ("localhost", "127.0.0.1")
PASSWORD = "PICFUSE_PASSWORD"  # in the environment: what an app that others reach asks for


def server_flags(port: int, *, headless: bool, listen: str = "") -> list[str]:
    """Settings as arguments of Streamlit's command line; `listen`: an address that others reach.

    There, the guard of `ui/web` alone knows the names of this machine.
    """
    own = {"server.port": str(port), "server.headless": str(headless).lower()}
    own |= {"server.address": listen} if listen else {}
    flags = [f"--{name}={value}" for name, value in (STREAMLIT_OPTIONS | own).items()]
    return flags + [f"--server.allowedHosts={host}" for host in (["*"] if listen else HOSTS)]


@dataclass(frozen=True, slots=True)
class AppOptions:
    """The library to show, whether the network is forbidden, and the order of dates.

    `listen`: other devices reach the app, so that it asks for a password. `allow_delete`: copies
    may be moved to the trash; `allow_write`: captions may be written beside pictures.
    """

    library: Path
    offline: bool = False
    date_order: str = DATE_ORDERS[0]
    listen: bool = False
    allow_delete: bool = False
    allow_write: bool = False

    @classmethod
    def parse(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Options of a command line; the environment may name the library and the date order."""
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument("--library", default=environment.get("PICFUSE_LIBRARY") or None)
        flags = ("offline", "listen", "allow_delete", "allow_write")
        for flag in flags:
            parser.add_argument(f"--{flag.replace('_', '-')}", action="store_true")
        found, _ = parser.parse_known_args(arguments)
        path = Path(found.library) if found.library else default_library()
        order = environment.get("PICFUSE_DATE_ORDER", "").upper()
        known = order if order in DATE_ORDERS else DATE_ORDERS[0]
        given = {flag: getattr(found, flag) for flag in flags}
        return cls(path.expanduser().absolute(), date_order=known, **given)
