"""What the browser app is told when it starts; knows nothing of Streamlit."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.locations import default_library

# Settings of the server that `picfuse ui` passes on Streamlit's command line, where they win over
# configuration files and the environment.
STREAMLIT_OPTIONS = {
    "server.address": "localhost",
    "server.enableCORS": "true",  # refuses the pages of others
    "server.enableXsrfProtection": "true",
    "server.enableStaticServing": "false",
    "server.enableAgentApi": "false",
    "server.fileWatcherType": "none",  # it would import every model library to watch its files
    "server.maxUploadSize": "64",  # MB, as much as a query picture may have
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "client.allowedOrigins": "http://localhost",  # else any page of streamlit.app may steer it
    "client.toolbarMode": "minimal",
    "logger.hideWelcomeMessage": "true",  # and with it an offer to install things for programmers
    "client.showErrorDetails": "none",
    "client.showErrorLinks": "false",
    "global.developmentMode": "false",
    "theme.light.primaryColor": "#2f6f62",
    "theme.dark.primaryColor": "#5fb3a1",
}
# The names under which this machine is asked: any other was made to lead here (DNS rebinding).
HOSTS = ("localhost", "127.0.0.1")


def server_flags(port: int, *, headless: bool) -> list[str]:
    """The settings as words of Streamlit's command line."""
    own = {"server.port": str(port), "server.headless": str(headless).lower()}
    flags = [f"--{name}={value}" for name, value in (STREAMLIT_OPTIONS | own).items()]
    return flags + [f"--server.allowedHosts={host}" for host in HOSTS]


@dataclass(frozen=True, slots=True)
class AppOptions:
    """The library that is shown, and whether the network is forbidden."""

    library: Path
    offline: bool = False

    @classmethod
    def parse(cls, arguments: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Options of a command line; the library of the environment, else the default one."""
        parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
        parser.add_argument("--library", default=environment.get("PICFUSE_LIBRARY") or None)
        parser.add_argument("--offline", action="store_true")
        found, _ = parser.parse_known_args(arguments)
        path = Path(found.library) if found.library else default_library()
        return cls(path.expanduser().absolute(), found.offline)
