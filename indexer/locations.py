"""Where things lie: the default library, the cache, the sample photographs."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def sample_folder() -> Path:
    """Where they lie: inside the installed package of the user interface, or in the checkout."""
    root = Path(__file__).parents[1]
    installed = root / "ui" / "sample"
    return installed if installed.is_dir() else root / "data" / "sample"


def default_library() -> Path:
    """The library that is used where none is named: in the user's data directory."""
    return platformdirs.user_data_path("picfuse") / "library"


def cache_directory() -> Path:
    """Where exported towers and other things live that can be made again."""
    return platformdirs.user_cache_path("picfuse")
