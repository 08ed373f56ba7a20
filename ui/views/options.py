"""What the browser app is told when it starts; knows nothing of Streamlit."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from indexer.settings import default_library

# Settings of the server that `picfuse ui` passes on Streamlit's command line: a configuration
# file would be read from the working directory only.
STREAMLIT_OPTIONS = {
    "server.address": "localhost",
    "server.fileWatcherType": "none",  # it would import every model library to watch its files
    "server.maxUploadSize": "64",  # MB, as much as a query picture may have
    "server.showEmailPrompt": "false",
    "browser.gatherUsageStats": "false",
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "theme.primaryColor": "#2f6f62",
}


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
