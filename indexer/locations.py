"""Locations of the default library, the cache, the log, the sample and opened libraries."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def sample_folder() -> Path:
    """The sample photographs: inside the installed user interface, or in the checkout."""
    root = Path(__file__).parents[1]
    installed = root / "ui" / "sample"
    return installed if installed.is_dir() else root / "data" / "sample"


def default_library() -> Path:
    """The library used if none is named, in the user's data directory."""
    return platformdirs.user_data_path("picfuse") / "library"


def opened_directory() -> Path:
    """The folder of marks of the libraries that were opened before."""
    return platformdirs.user_data_path("picfuse") / "opened"


def cache_directory() -> Path:
    """The cache, for exported towers and other files that can be rebuilt."""
    return platformdirs.user_cache_path("picfuse")


def log_directory() -> Path:
    """The folder of the log that unexpected errors are written to, in the user's state."""
    return platformdirs.user_log_path("picfuse")
